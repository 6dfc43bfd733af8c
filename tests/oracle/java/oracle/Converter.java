package oracle;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Consumer;

/**
 * kwire-convert at the other end of a pipe, with thousands of lines in flight. One thread writes the questions; another passes the
 * answers to their checks, in order.
 */
final class Converter implements AutoCloseable {
    private static final int IN_FLIGHT = 4096;

    private record Asked(String question, Consumer<String> check) {}

    private final BlockingQueue<Asked> asked = new ArrayBlockingQueue<>(IN_FLIGHT);
    private final Process process;
    private final BufferedWriter questions;
    private final Thread reader = new Thread(this::readAnswers, "answers");
    private volatile Throwable problem;

    Converter(Path program) throws IOException {
        process = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        questions = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8), 1 << 17);
        reader.start();
    }

    void ask(String question, Consumer<String> check) {
        Asked next = new Asked(question, check);
        try {
            if (!asked.offer(next)) {
                questions.flush(); // the lines whose answers would make room may still be in this buffer
                while (!asked.offer(next, 1, java.util.concurrent.TimeUnit.SECONDS)) rethrow();
            }
            questions.write(question);
            questions.write('\n');
        } catch (IOException failure) {
            rethrow();
            throw new UncheckedIOException("kwire-convert accepts no more lines", failure);
        } catch (InterruptedException stop) {
            throw new IllegalStateException(stop);
        }
    }

    /** Waits for all answers; the program must exit with status 0. */
    @Override
    public void close() throws IOException, InterruptedException {
        questions.close();
        reader.join();
        rethrow();
        int status = process.waitFor();
        if (status != 0 || !asked.isEmpty())
            throw new IllegalStateException("kwire-convert ended with status " + status + ", unanswered: " + asked.size());
    }

    private void readAnswers() {
        try (BufferedReader answers =
                 new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8), 1 << 17)) {
            for (String answer; (answer = answers.readLine()) != null;) {
                Asked question = asked.poll();
                if (question == null) throw new IllegalStateException("an answer without a question: " + answer);
                question.check.accept(answer);
            }
            Asked open = asked.poll();
            if (open != null) throw new IllegalStateException("no answer to " + open.question);
        } catch (IOException | RuntimeException | Error failure) {
            problem = failure;
            process.destroy();
        }
    }

    private void rethrow() {
        if (problem != null) throw new IllegalStateException("reading answers failed", problem);
    }
}
