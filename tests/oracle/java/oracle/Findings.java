package oracle;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Counts of agreements, and for each kind of disagreement per message the shortest line that shows it. */
final class Findings {
    private record Finding(String question, String answer, String expected) {
        int length() {
            return question.length();
        }
    }

    private final Map<String, Long> counts = new TreeMap<>();
    private final Map<String, Map<String, Finding>> findings = new TreeMap<>();
    private final Map<String, Long> disagreements = new TreeMap<>();

    synchronized void count(String what) {
        count(what, 1);
    }

    /** Adds to a count, and returns it. */
    synchronized long count(String what, long more) {
        return counts.merge(what, more, Long::sum);
    }

    synchronized void disagree(String what, String subject, String question, String answer, String expected) {
        disagreements.merge(what, 1L, Long::sum);
        Finding found = new Finding(question, answer, expected);
        findings.computeIfAbsent(what, none -> new TreeMap<>())
            .merge(subject, found, (a, b) -> a.length() <= b.length() ? a : b);
    }

    /** Prints a summary, writes every finding to {@code file}, and returns whether there was none. */
    synchronized boolean report(PrintStream out, Path file) throws IOException {
        counts.forEach((what, count) -> out.printf("%10d %s%n", count, what));
        List<String> lines = new ArrayList<>();
        findings.forEach((what, subjects) -> {
            out.printf("%n%d times: %s; in %d messages or kinds of set%n", disagreements.get(what), what, subjects.size());
            subjects.entrySet().stream().sorted((a, b) -> a.getValue().length() - b.getValue().length()).limit(5)
                .forEach(each -> out.printf("  %s%n    asked     %s%n    answered  %s%n    expected  %s%n", each.getKey(),
                    cut(each.getValue().question), cut(each.getValue().answer), cut(each.getValue().expected)));
            subjects.forEach((subject, finding) -> lines.add(what + "\t" + subject + "\n" + finding.question + "\n" + finding.answer
                + "\n" + finding.expected + "\n"));
        });
        Files.write(file, lines, StandardCharsets.UTF_8);
        if (!findings.isEmpty()) out.printf("%nall findings: %s%n", file);
        return findings.isEmpty();
    }

    private static String cut(String text) {
        return text.length() <= 400 ? text : text.substring(0, 400) + "... (" + text.length() + ")";
    }
}
