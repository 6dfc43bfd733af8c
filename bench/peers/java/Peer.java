import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * The Java peer: Kafka's own classes, warmed up for half a second a row. Speaks the protocol of bench/peers.py: `list`, and
 * `run CASE OP CONTENDER MS` lines.
 */
public final class Peer {
    /** Takes a result of each piece of work, so that the compiler cannot omit it. */
    static volatile long taken;

    static final class Row {
        final String name;
        final String operation;
        final BooleanSupplier prove;
        final LongSupplier work;
        int times;

        Row(String name, String operation, BooleanSupplier prove, LongSupplier work) {
            this.name = name;
            this.operation = operation;
            this.prove = prove;
            this.work = work;
        }

        double elapsed(int repeat) {
            long start = System.nanoTime();
            long sum = 0;
            for (int i = 0; i < repeat; i++) sum += work.getAsLong();
            taken = sum;
            return System.nanoTime() - start;
        }

        /** Nanoseconds of one piece of work: the fastest sample within so many milliseconds. */
        double measure(double milliseconds) {
            if (times == 0) {
                if (!prove.getAsBoolean())
                    throw new IllegalStateException(name + " " + operation + ": another answer than is expected");
                long end = System.nanoTime() + 500_000_000L;
                while (System.nanoTime() < end) elapsed(10);
                int repeat = 1;
                double took;
                while ((took = elapsed(repeat)) <= 100e3) repeat *= 4;
                times = (int) Math.max(1, repeat * 500e3 / took);
            }
            double best = Double.MAX_VALUE;
            long end = System.nanoTime() + (long) (milliseconds * 1e6);
            do best = Math.min(best, elapsed(times) / times);
            while (System.nanoTime() < end);
            return best;
        }
    }

    static Supplier<ApiMessage> maker(String kind) {
        switch (kind) {
            case "MetadataResponse": return MetadataResponseData::new;
            case "FetchResponse": return FetchResponseData::new;
            case "FetchRequest": return FetchRequestData::new;
            case "ProduceRequest": return ProduceRequestData::new;
            case "ApiVersionsResponse": return ApiVersionsResponseData::new;
            case "OffsetCommitRequest": return OffsetCommitRequestData::new;
            case "JoinGroupRequest": return JoinGroupRequestData::new;
            default: return null;
        }
    }

    static ApiMessage decode(Supplier<ApiMessage> maker, short version, byte[] body) {
        ApiMessage message = maker.get();
        message.read(new ByteBufferAccessor(ByteBuffer.wrap(body)), version);
        return message;
    }

    /** Size, then bytes: Kafka's classes keep the encoded strings between the two. */
    static int encode(ApiMessage message, short version, ByteBuffer into) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        message.size(cache, version);
        into.clear();
        message.write(new ByteBufferAccessor(into), cache, version);
        return into.position();
    }

    static boolean same(ByteBuffer written, byte[] expected) {
        ByteBuffer all = written.duplicate();
        all.flip();
        return all.equals(ByteBuffer.wrap(expected));
    }

    static void addMessage(List<Row> rows, String name, String kind, short version, byte[] body, long sum, byte[] older) {
        Supplier<ApiMessage> maker = maker(kind);
        ByteBuffer memory = ByteBuffer.allocate(body.length + 64);
        ApiMessage known = decode(maker, version, body);
        BooleanSupplier proof = () -> {
            encode(decode(maker, version, body), version, memory);
            return same(memory, body);
        };
        rows.add(new Row(name, "decode", proof, () -> {
            kept = decode(maker, version, body);
            return 1;
        }));
        rows.add(new Row(name, "visit", () -> Visits.visit(decode(maker, version, body)) == sum,
                () -> Visits.visit(decode(maker, version, body))));
        rows.add(new Row(name, "encode", proof, () -> encode(known, version, memory)));
        rows.add(new Row(name, "encode_chain", () -> same(Gathered.bytes(known, version), body), () -> {
            kept = Gathered.encode(known, version);
            return 1;
        }));
        rows.add(new Row(name, "size", () -> known.size(new ObjectSerializationCache(), version) == body.length,
                () -> known.size(new ObjectSerializationCache(), version)));
        if (older == null) return;
        rows.add(new Row(name, "transcode", () -> {
            encode(decode(maker, version, body), (short) 4, memory);
            return same(memory, older);
        }, () -> encode(decode(maker, version, body), (short) 4, memory)));
    }

    /** The last message that was decoded: it escapes, so that it is really made. */
    static Object kept;

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        List<Row> rows = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("corpus.txt"))) {
            String[] words = line.split(" ");
            if (words[0].startsWith("small_") || words[0].endsWith("_v4")) continue;
            if (maker(words[1]) == null) {
                Path stamped = folder.resolve(words[0] + "_stamped.bin");
                Streams.addRows(rows, words[0], words[1], Files.readAllBytes(folder.resolve(words[0] + ".bin")),
                        Long.parseUnsignedLong(words[4]), Files.exists(stamped) ? Files.readAllBytes(stamped) : null);
                continue;
            }
            Path older = folder.resolve(words[0] + "_v4.bin");
            addMessage(rows, words[0], words[1], Short.parseShort(words[2]),
                    Files.readAllBytes(folder.resolve(words[0] + ".bin")), Long.parseUnsignedLong(words[4]),
                    Files.exists(older) ? Files.readAllBytes(older) : null);
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; System.out.flush()) {
            String[] words = line.split(" ");
            if (words[0].equals("list")) {
                for (Row row : rows) System.out.println(row.name + " " + row.operation + " kafka_clients");
                System.out.println(".");
                continue;
            }
            for (Row row : rows)
                if (row.name.equals(words[1]) && row.operation.equals(words[2]))
                    System.out.printf("%s %s kafka_clients 1 %.3f%n", row.name, row.operation,
                            row.measure(Double.parseDouble(words[4])));
        }
    }
}
