package oracle.kafka;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import oracle.RecordsJudge;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

/** Reads record sets with MemoryRecords. */
public final class KafkaRecordsJudge implements RecordsJudge {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    public KafkaRecordsJudge(List<Path> jars) {}

    @Override
    public Made make(Random random) {
        return new RandomSets(random).make();
    }

    @Override
    public String describe(byte[] set) throws Refused {
        return describe(set, true).toString();
    }

    /** With {@code checked}, a batch with a wrong checksum is refused; otherwise it is read. */
    static ObjectNode describe(byte[] set, boolean checked) throws Refused {
        ObjectNode out = JSON.objectNode();
        ArrayNode batches = out.putArray("batches");
        int at = 0;
        Iterator<MutableRecordBatch> iterator = MemoryRecords.readableRecords(ByteBuffer.wrap(set)).batches().iterator();
        for (;;) {
            MutableRecordBatch batch;
            try {
                if (!iterator.hasNext()) break;
                batch = iterator.next();
            } catch (RuntimeException | Error refusal) { // snappy throws errors
                throw new Refused("batches", refusal);
            }
            batches.add(describe(batch, ByteBuffer.wrap(set, at, batch.sizeInBytes()).slice(), checked));
            at += batch.sizeInBytes();
        }
        out.put("truncated_tail", set.length - at);
        return out;
    }

    private static ObjectNode describe(MutableRecordBatch batch, ByteBuffer bytes, boolean checked) throws Refused {
        ObjectNode out = JSON.objectNode();
        boolean legacy = batch.magic() < 2;
        boolean sound = true;
        try {
            batch.ensureValid();
        } catch (RuntimeException | Error refusal) { // snappy throws errors
            if (checked) throw new Refused("crc", refusal);
            sound = false;
        }
        try {
            out.put("base_offset", bytes.getLong(0));
            out.put("batch_length", bytes.getInt(8));
            if (!legacy) out.put("partition_leader_epoch", batch.partitionLeaderEpoch());
            out.put("magic", batch.magic());
            out.put("crc", batch.checksum());
            out.put("crc_valid", sound);
            out.put("attributes", legacy ? bytes.get(17) : bytes.getShort(21));
            out.put("compression", batch.compressionType().name);
            out.put("timestamp_type", name(batch.timestampType()));
            if (legacy) describeLegacy(batch, out);
            else describeCurrent((DefaultRecordBatch) batch, bytes, out);
            ArrayNode records = out.putArray("records");
            for (Record record : batch) records.add(describe(record, batch.isControlBatch()));
            if (legacy) { // Kafka's last offset is the wrapper's, whatever its content is
                out.put("first_offset", records.get(0).get("offset").asLong());
                out.put("last_offset", records.get(records.size() - 1).get("offset").asLong());
            }
        } catch (RuntimeException | Error refusal) { // snappy throws errors
            throw new Refused("records", refusal);
        }
        return out;
    }

    private static void describeLegacy(MutableRecordBatch batch, ObjectNode out) {
        out.put("first_offset", 0); // known after the records are read, like the last offset
        out.put("last_offset", 0);
        out.put("max_timestamp", batch.maxTimestamp());
    }

    private static void describeCurrent(DefaultRecordBatch batch, ByteBuffer bytes, ObjectNode out) {
        out.put("is_transactional", batch.isTransactional());
        out.put("is_control", batch.isControlBatch());
        if (batch.deleteHorizonMs().isPresent()) out.put("delete_horizon", batch.deleteHorizonMs().getAsLong());
        else out.putNull("delete_horizon");
        out.put("last_offset_delta", bytes.getInt(DefaultRecordBatch.LAST_OFFSET_DELTA_OFFSET));
        out.put("last_offset", batch.lastOffset());
        out.put("base_timestamp", batch.baseTimestamp());
        out.put("max_timestamp", batch.maxTimestamp());
        out.put("producer_id", batch.producerId());
        out.put("producer_epoch", batch.producerEpoch());
        out.put("base_sequence", batch.baseSequence());
        // Kafka also counts up from invalid sequence numbers; its records have none then.
        out.put("last_sequence", batch.baseSequence() < 0 ? -1 : batch.lastSequence());
        out.put("count", batch.countOrNull());
    }

    private static ObjectNode describe(Record record, boolean control) {
        ObjectNode out = JSON.objectNode();
        out.put("offset", record.offset());
        out.put("timestamp", record.timestamp());
        out.put("sequence", record.sequence());
        put(out, "key", record.key());
        put(out, "value", record.value());
        ArrayNode headers = out.putArray("headers");
        for (Header header : record.headers()) {
            ArrayNode pair = headers.addArray();
            pair.add(header.key());
            if (header.value() == null) pair.addNull();
            else pair.add(Base64.getEncoder().encodeToString(header.value()));
        }
        if (control) {
            ControlRecordType type = ControlRecordType.parse(record.key());
            ObjectNode said = out.putObject("control");
            said.put("type", type.name().toLowerCase(Locale.ROOT));
            if (type == ControlRecordType.COMMIT || type == ControlRecordType.ABORT)
                said.put("coordinator_epoch", EndTransactionMarker.deserialize(record).coordinatorEpoch());
        }
        return out;
    }

    private static void put(ObjectNode out, String name, ByteBuffer bytes) {
        if (bytes == null) {
            out.putNull(name);
            return;
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        out.put(name, Base64.getEncoder().encodeToString(copy));
    }

    private static String name(TimestampType type) {
        return switch (type) {
            case NO_TIMESTAMP_TYPE -> "none";
            case CREATE_TIME -> "create_time";
            case LOG_APPEND_TIME -> "log_append_time";
        };
    }
}
