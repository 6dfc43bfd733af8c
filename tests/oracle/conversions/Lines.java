import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.function.Supplier;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/** Writes a line for each conversion: bytes of one version, and what Kafka's classes write of the same at another. */
final class Lines {
    /** The topics that the lines speak of, by name and by id. */
    static final String ORDERS = "orders";
    static final Uuid ORDERS_ID = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);
    static final String BILLS = "bills";
    static final Uuid BILLS_ID = new Uuid(0x1112131415161718L, 0x191a1b1c1d1e1f20L);

    private final PrintStream out;
    private final String release;

    Lines(PrintStream out, String release) {
        this.out = out;
        this.release = release;
    }

    static String hex(ApiMessage message, int version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer bytes = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(bytes), cache, (short) version);
        return HexFormat.of().formatHex(bytes.array());
    }

    private void line(String of, ApiMessage message, int from, int to, String hex, String rest) {
        String name = message.getClass().getSimpleName().replaceAll("Data$", "");
        out.println("{\"message\":\"" + name + "\",\"from\":" + from + ",\"to\":" + to + ",\"kafka\":\"" + release
            + "\",\"case\":\"" + of + "\",\"hex\":\"" + hex + "\"," + rest + "}");
    }

    /** What `after` writes at `to` is what `before` writes at `from`. */
    void one(String of, ApiMessage before, int from, ApiMessage after, int to) {
        line(of, before, from, to, hex(before, from), "\"expect_hex\":\"" + hex(after, to) + "\"");
    }

    /** The same in both directions. */
    void both(String of, ApiMessage older, int from, ApiMessage newer, int to) {
        one(of, older, from, newer, to);
        one(of, newer, to, older, from);
    }

    /** One object that has a name and an id for each topic, as the versions write it. */
    void topics(String of, ApiMessage message, int names, int ids) {
        topics(of, message, names, message, ids);
    }

    /** The same of two objects. */
    void topics(String of, ApiMessage named, int names, ApiMessage identified, int ids) {
        String byName = hex(named, names), byId = hex(identified, ids);
        line(of, named, names, ids, byName, "\"topics\":true,\"expect_hex\":\"" + byId + "\"");
        line(of, named, ids, names, byId, "\"topics\":true,\"expect_hex\":\"" + byName + "\"");
    }

    /** From ids to names only: the answer by name does not say which group it is of. */
    void answered(String of, ApiMessage identified, int ids, ApiMessage named, int names) {
        line(of, named, ids, names, hex(identified, ids), "\"topics\":true,\"expect_hex\":\"" + hex(named, names) + "\"");
    }

    /** Kafka's class refuses to build the message at `to`. */
    void refused(String of, ApiMessage message, int from, int to, Supplier<?> build) {
        String hex = hex(message, from);
        try {
            build.get();
        } catch (UnsupportedVersionException | IllegalArgumentException expected) {
            line(of, message, from, to, hex, "\"expect_error\":\"" + expected.getClass().getSimpleName() + "\"");
            return;
        }
        throw new IllegalStateException(of + ": Kafka does not refuse it");
    }

    static void require(boolean holds, String what) {
        if (!holds) throw new IllegalStateException(what);
    }
}
