import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import org.apache.kafka.common.network.Send;
import org.apache.kafka.common.network.TransferableChannel;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.SendBuilder;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/** Messages as Kafka gives them to a socket: new memory, with records by reference. The header is written too: there is no way without. */
final class Gathered {
    private Gathered() {}

    static boolean isRequest(ApiMessage message) {
        return message.getClass().getSimpleName().endsWith("RequestData");
    }

    static Send encode(ApiMessage message, short version) {
        ApiKeys key = ApiKeys.forId(message.apiKey());
        if (isRequest(message)) return SendBuilder.buildRequestSend(new RequestHeader(key, version, "", 1), message);
        return SendBuilder.buildResponseSend(new ResponseHeader(1, key.responseHeaderVersion(version)), message, version);
    }

    /** The bytes of the body alone, up to the position of the buffer. */
    static ByteBuffer bytes(ApiMessage message, short version) {
        Send send = encode(message, version);
        int header = 4 + (isRequest(message) ? new RequestHeader(
                ApiKeys.forId(message.apiKey()), version, "", 1).size() : new ResponseHeader(
                1, ApiKeys.forId(message.apiKey()).responseHeaderVersion(version)).size());
        ByteBuffer all = ByteBuffer.allocate((int) send.size());
        TransferableChannel into = new Taker(all);
        try {
            while (!send.completed()) send.writeTo(into);
        } catch (IOException failure) {
            throw new IllegalStateException(failure);
        }
        all.position(header).limit(all.capacity());
        ByteBuffer body = all.slice();
        return body.position(body.limit());
    }

    /** A channel into memory. */
    private static final class Taker implements TransferableChannel {
        private final ByteBuffer into;

        Taker(ByteBuffer into) {
            this.into = into;
        }

        @Override
        public boolean hasPendingWrites() {
            return false;
        }

        @Override
        public long transferFrom(FileChannel file, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int write(ByteBuffer from) {
            int size = from.remaining();
            into.put(from);
            return size;
        }

        @Override
        public long write(ByteBuffer[] all, int offset, int length) {
            long size = 0;
            for (int i = offset; i < offset + length; i++) size += write(all[i]);
            return size;
        }

        @Override
        public long write(ByteBuffer[] all) {
            return write(all, 0, all.length);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
