package oracle.kafka;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;

/** Calls with a ByteBufferOutputStream or a BufferSupplier parameter: their packages differ between releases. */
final class MovedClasses {
    private MovedClasses() {}

    static MemoryRecordsBuilder builder(byte magic, CompressionType compression, TimestampType type, long baseOffset, long appendTime,
        long producerId, short producerEpoch, int baseSequence, boolean transactional, boolean control, int leaderEpoch, long deleteHorizon) {
        try {
            Constructor<?> widest = Stream.of(MemoryRecordsBuilder.class.getConstructors())
                .filter(one -> one.getParameterCount() == 14).findFirst().orElseThrow();
            Object stream = widest.getParameterTypes()[0].getConstructor(int.class).newInstance(512);
            return (MemoryRecordsBuilder) widest.newInstance(stream, magic, Compression.of(compression).build(), type, baseOffset,
                appendTime, producerId, producerEpoch, baseSequence, transactional, control, leaderEpoch, 1 << 26, deleteHorizon);
        } catch (ReflectiveOperationException problem) {
            throw rethrown(problem);
        }
    }

    static byte[] compress(CompressionType compression, byte magic, byte[] plain) {
        try {
            Method wrap = methodOf(Compression.class, "wrapForOutput");
            Object stream = wrap.getParameterTypes()[0].getConstructor(int.class).newInstance(512);
            try (OutputStream out = (OutputStream) wrap.invoke(Compression.of(compression).build(), stream, magic)) {
                out.write(plain);
            }
            ByteBuffer written = ((ByteBuffer) stream.getClass().getMethod("buffer").invoke(stream)).duplicate();
            byte[] bytes = new byte[written.flip().remaining()];
            written.get(bytes);
            return bytes;
        } catch (ReflectiveOperationException problem) {
            throw rethrown(problem);
        } catch (IOException problem) {
            throw new IllegalStateException(problem);
        }
    }

    /** What Kafka's log cleaner keeps of a set. */
    static byte[] compact(byte[] set, MemoryRecords.RecordFilter filter) {
        try {
            Method method = methodOf(MemoryRecords.class, "filterTo");
            ByteBuffer out = ByteBuffer.allocate(2 * set.length + 1024);
            Object[] arguments = new Object[method.getParameterCount()];
            for (int i = 0; i < arguments.length; ++i) {
                Class<?> type = method.getParameterTypes()[i];
                arguments[i] = type == MemoryRecords.RecordFilter.class ? filter : type == ByteBuffer.class ? out
                    : type == int.class ? (Object) Integer.MAX_VALUE : type.getField("NO_CACHING").get(null);
            }
            method.invoke(MemoryRecords.readableRecords(ByteBuffer.wrap(set)), arguments);
            byte[] bytes = new byte[out.flip().remaining()];
            out.get(bytes);
            return bytes;
        } catch (ReflectiveOperationException problem) {
            throw rethrown(problem);
        }
    }

    private static Method methodOf(Class<?> type, String name) {
        return Stream.of(type.getMethods()).filter(method -> method.getName().equals(name)).findFirst().orElseThrow();
    }

    private static IllegalStateException rethrown(ReflectiveOperationException problem) {
        if (problem instanceof InvocationTargetException wrapped && wrapped.getCause() instanceof RuntimeException cause) throw cause;
        return new IllegalStateException(problem);
    }
}
