package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Random edits of a message, and what they make of its JSON by the rules of kwire::splice: positions are those of the original, the
 * later edit of a field or an element counts, edits inside of what another one replaces or erases have no effect.
 */
final class Edits {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** A field in a struct of the original; {@code now} is null if it is a tagged one with its default. */
    private record Place(String path, String kind, JsonNode shape, JsonNode now) {}

    private final Random random;
    private final JsonNode shape, original;
    private final List<Place> places = new ArrayList<>(), arrays = new ArrayList<>(); // arrays: those that are not null
    private final List<String> tagged = new ArrayList<>(); // the paths of structs with unknown tags
    private final Map<String, List<JsonNode>> donated = new HashMap<>();
    private final ArrayNode edits = JSON.arrayNode();

    /** {@code donors} are the JSON of other messages of the type and version, from which new values are taken. */
    Edits(JsonNode shape, JsonNode original, List<JsonNode> donors, Random random) {
        this.random = random;
        this.shape = shape;
        this.original = original;
        findPlaces(shape.get("fields"), original, "");
        for (JsonNode donor : donors) donate(shape.get("fields"), donor, "");
        if (places.isEmpty()) return;
        for (int i = 1 + random.nextInt(6), tries = 40; edits.size() < i && tries > 0; --tries) add();
    }

    /** These edits, in the form of {@link #list}. */
    Edits(JsonNode shape, JsonNode original, ArrayNode edits) {
        random = null;
        this.shape = shape;
        this.original = original;
        this.edits.addAll(edits);
    }

    /** As the line for kwire has them. */
    ArrayNode list() {
        return edits;
    }

    private void findPlaces(JsonNode fields, JsonNode struct, String path) {
        if (struct.has(Judge.UNKNOWN_TAGS)) tagged.add(path);
        for (JsonNode field : fields) {
            String name = field.get("name").asText(), kind = field.get("kind").asText(), at = path.isEmpty() ? name : path + "." + name;
            JsonNode now = struct.get(name);
            if (now == null && field.get("tag").asInt() < 0) throw new IllegalStateException(at + " is not in the JSON");
            Place place = new Place(at, kind, field, now);
            places.add(place);
            if (kind.equals("array") && now != null && !now.isNull()) arrays.add(place);
            if (now == null || now.isNull() || !field.has("fields")) continue;
            if (kind.equals("struct")) findPlaces(field.get("fields"), now, at);
            else for (int i = 0; i < now.size(); ++i) findPlaces(field.get("fields"), now.get(i), at + "[" + i + "]");
        }
    }

    private void donate(JsonNode fields, JsonNode struct, String path) {
        for (JsonNode field : fields) {
            JsonNode value = struct.get(field.get("name").asText());
            if (value == null) value = field.get("default");
            String at = path + "." + field.get("name").asText();
            donated.computeIfAbsent(at, none -> new ArrayList<>()).add(value);
            if (value.isNull()) continue;
            if (field.get("kind").asText().equals("struct")) donate(field.get("fields"), value, at);
            if (!field.get("kind").asText().equals("array")) continue;
            for (JsonNode element : value) {
                donated.computeIfAbsent(at + "[]", none -> new ArrayList<>()).add(element);
                if (field.has("fields")) donate(field.get("fields"), element, at + "[]");
            }
        }
    }

    private JsonNode donatedAt(String path, boolean element) {
        List<JsonNode> values = donated.get("." + path.replaceAll("\\[\\d+\\]", "[]") + (element ? "[]" : ""));
        return values == null ? null : values.get(random.nextInt(values.size()));
    }

    private void add() {
        if (random.nextInt(12) == 0 && !tagged.isEmpty()) {
            String path = random.nextInt(4) == 0 ? "*" : tagged.get(random.nextInt(tagged.size()));
            edits.add(JSON.objectNode().put("op", "erase_unknown_tags").put("path", path));
            return;
        }
        List<Place> among = arrays.isEmpty() || random.nextInt(5) > 1 ? places : arrays;
        Place place = among.get(random.nextInt(among.size()));
        int size = place.kind.equals("array") && place.now != null && !place.now.isNull() ? place.now.size() : -1;
        switch (size < 0 ? 0 : random.nextInt(8)) {
            case 0, 1 -> set(place);
            case 2, 3 -> {
                JsonNode element = donatedAt(place.path, true);
                if (element != null) edit("insert", place.path + "[" + random.nextInt(size + 1) + "]").set("value", element);
            }
            case 4, 5 -> {
                if (size == 0) return;
                if (random.nextInt(3) > 0) edit("erase", place.path + "[" + random.nextInt(size) + "]");
                else for (int i = 0; i < size; ++i) edit("erase", place.path + "[" + i + "]");
            }
            case 6 -> {
                JsonNode element = donatedAt(place.path, true);
                if (size > 0 && element != null) edit("set", place.path + "[" + random.nextInt(size) + "]").set("value", element);
            }
            default -> {
                List<Integer> order = new ArrayList<>();
                for (int i = 0; i < size; ++i) order.add(i);
                Collections.shuffle(order, random);
                ArrayNode positions = edit("reorder", place.path).putArray("order");
                order.forEach(positions::add);
            }
        }
    }

    private void set(Place place) {
        boolean tag = place.shape.get("tag").asInt() >= 0;
        JsonNode value = donatedAt(place.path, false);
        if (place.shape.get("nullable").asBoolean() && random.nextInt(4) == 0) value = JSON.nullNode();
        if (tag && (value == null || random.nextInt(3) == 0)) value = place.shape.get("default");
        if (value != null) edit("set", place.path).set("value", value);
    }

    private ObjectNode edit(String op, String path) {
        return edits.addObject().put("op", op).put("path", path);
    }

    /** What the edits make of the original. */
    Result applied() {
        return appliedWithout(-1);
    }

    /** The same with one edit left out. */
    Result appliedWithout(int omitted) {
        return new Application(omitted).run();
    }

    /** @param canonical whether no tag is left with its default, which Kafka would not write */
    record Result(JsonNode json, boolean canonical) {}

    /** The edits by what they are about. */
    private final class Application {
        private final Map<String, JsonNode> set = new HashMap<>();
        private final Map<String, Map<Integer, List<JsonNode>>> inserted = new HashMap<>();
        private final Map<String, JsonNode> orders = new HashMap<>();
        private final Set<String> erased = new HashSet<>(), withoutTags = new HashSet<>();
        private boolean canonical = true;

        Application(int omitted) {
            for (int i = 0; i < edits.size(); ++i) {
                if (i == omitted) continue;
                JsonNode edit = edits.get(i);
                String path = edit.get("path").asText();
                switch (edit.get("op").asText()) {
                    case "set" -> set.put(path, edit.get("value"));
                    case "erase" -> erased.add(path);
                    case "reorder" -> orders.put(path, edit.get("order"));
                    case "erase_unknown_tags" -> withoutTags.add(path);
                    default -> {
                        int bracket = path.lastIndexOf('[');
                        inserted.computeIfAbsent(path.substring(0, bracket), none -> new TreeMap<>())
                            .computeIfAbsent(Integer.parseInt(path.substring(bracket + 1, path.length() - 1)), none -> new ArrayList<>())
                            .add(edit.get("value"));
                    }
                }
            }
        }

        Result run() {
            JsonNode json = struct(shape.get("fields"), original, "");
            return new Result(json, canonical);
        }

        private JsonNode struct(JsonNode fields, JsonNode struct, String path) {
            ObjectNode out = JSON.objectNode();
            for (JsonNode field : fields) {
                String name = field.get("name").asText(), at = path.isEmpty() ? name : path + "." + name;
                boolean tag = field.get("tag").asInt() >= 0, isSet = set.containsKey(at);
                JsonNode value = isSet ? set.get(at) : struct.get(name);
                if (value == null) continue;
                if (!isSet && !value.isNull()) {
                    if (field.get("kind").asText().equals("struct")) value = struct(field.get("fields"), value, at);
                    if (field.get("kind").asText().equals("array")) value = array(field.get("fields"), value, at);
                }
                if (!tag || !value.equals(field.get("default"))) out.set(name, value);
                else if (!isSet) canonical = false;
            }
            JsonNode tags = struct.get(Judge.UNKNOWN_TAGS);
            if (tags != null && !withoutTags.contains("*") && !withoutTags.contains(path)) out.set(Judge.UNKNOWN_TAGS, tags);
            return out;
        }

        private JsonNode array(JsonNode fields, JsonNode array, String path) {
            ArrayNode out = JSON.arrayNode();
            Map<Integer, List<JsonNode>> added = inserted.getOrDefault(path, Map.of());
            JsonNode order = orders.get(path);
            for (int n = 0; n < array.size(); ++n) {
                int i = order == null ? n : order.get(n).asInt();
                added.getOrDefault(i, List.of()).forEach(out::add);
                String at = path + "[" + i + "]";
                if (erased.contains(at)) continue;
                if (set.containsKey(at)) out.add(set.get(at));
                else out.add(fields == null ? array.get(i) : struct(fields, array.get(i), at));
            }
            added.getOrDefault(array.size(), List.of()).forEach(out::add);
            return out;
        }
    }
}
