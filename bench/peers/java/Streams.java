import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ScatteringByteChannel;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.network.NetworkReceive;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.HeartbeatRequest;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.common.utils.internals.CloseableIterator;

/**
 * The rows that are not about one message: stamping the batches of a records field, requests from a stream of frames to their
 * handlers, batches to records.
 */
final class Streams {
    private Streams() {}

    /** Sets offset and epoch in place, as the broker's log does; returns the offset after the last record. */
    static long stamp(byte[] batches, long offset, int epoch) {
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(batches)).batches()) {
            long last = offset + (batch.lastOffset() - batch.baseOffset());
            batch.setLastOffset(last);
            batch.setPartitionLeaderEpoch(epoch);
            offset = last + 1;
        }
        return offset;
    }

    /** A connection whose bytes are all there. */
    static final class Memory implements ScatteringByteChannel {
        final ByteBuffer bytes;

        Memory(byte[] bytes) {
            this.bytes = ByteBuffer.wrap(bytes);
        }

        @Override
        public int read(ByteBuffer into) {
            if (!bytes.hasRemaining()) return -1;
            int size = Math.min(into.remaining(), bytes.remaining());
            into.put(into.position(), bytes, bytes.position(), size);
            into.position(into.position() + size);
            bytes.position(bytes.position() + size);
            return size;
        }

        @Override
        public long read(ByteBuffer[] into) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long read(ByteBuffer[] into, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    static long handle(ByteBuffer frame) {
        RequestHeader header = RequestHeader.parse(frame);
        AbstractRequest request =
                AbstractRequest.parseRequest(header.apiKey(), header.apiVersion(), new ByteBufferAccessor(frame)).request;
        if (request instanceof FetchRequest) return header.correlationId() + (long) ((FetchRequest) request).maxBytes();
        if (request instanceof HeartbeatRequest)
            return header.correlationId() + (long) ((HeartbeatRequest) request).data().generationId();
        throw new IllegalStateException("another request");
    }

    static long readFrames(byte[] stream) {
        try (Memory channel = new Memory(stream)) {
            long sum = 0;
            while (channel.bytes.hasRemaining()) {
                NetworkReceive receive = new NetworkReceive();
                while (!receive.complete()) receive.readFrom(channel);
                sum += handle(receive.payload().rewind());
            }
            return sum;
        } catch (IOException failure) {
            throw new IllegalStateException(failure);
        }
    }

    /** A string or bytes: the size and the first byte, as in the other languages. */
    static long text(ByteBuffer bytes) {
        if (bytes == null) return -1;
        return bytes.hasRemaining() ? bytes.remaining() + (bytes.get(bytes.position()) & 0xffL) : 0;
    }

    static long records(byte[] bytes, BufferSupplier buffers) {
        long sum = 0;
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
            batch.ensureValid();
            try (CloseableIterator<Record> records = batch.streamingIterator(buffers)) {
                while (records.hasNext()) {
                    Record record = records.next();
                    sum += record.offset() + record.timestamp() + record.sequence();
                    sum += text(record.key()) + text(record.value());
                    for (Header header : record.headers())
                        sum += header.key().length() + header.key().charAt(0)
                                + text(header.value() == null ? null : ByteBuffer.wrap(header.value()));
                }
            }
        }
        return sum;
    }

    /** Adds the rows of an input that is no message; `stamped` is what stamping makes of it. */
    static void addRows(List<Peer.Row> rows, String name, String kind, byte[] bytes, long sum, byte[] stamped) {
        switch (kind) {
            case "batches":
                ByteBuffer first = ByteBuffer.wrap(stamped);
                long offset = first.getLong(0);
                int epoch = first.getInt(12);
                byte[] memory = bytes.clone();
                rows.add(new Peer.Row(name, "patch", () -> {
                    byte[] made = bytes.clone();
                    stamp(made, offset, epoch);
                    return java.util.Arrays.equals(made, stamped);
                }, () -> stamp(memory, offset, epoch)));
                return;
            case "frames":
                rows.add(new Peer.Row(name, "read_frames", () -> readFrames(bytes) == sum, () -> readFrames(bytes)));
                return;
            case "RecordBatch":
                BufferSupplier buffers = BufferSupplier.create();
                rows.add(new Peer.Row(name, "records", () -> records(bytes, buffers) == sum, () -> records(bytes, buffers)));
                return;
            default:
        }
    }
}
