"""The tables of docs/transcode.md: what becomes of each field on the way to another version."""

import naming

MARK = "<!-- What follows is written by schema/generate.py. -->\n"


def versions_text(range_, last):
    if range_[0] == range_[1]:
        return f"{range_[0]}"
    return f"{range_[0]}+" if range_[1] == last else f"{range_[0]}-{range_[1]}"


def pairs_text(pairs):
    cases = [pair.strip("{}").split(", ") for pair in pairs]
    return ", ".join(f"{'every value' if a == 'any_number' else a} becomes {b}" for a, b in cases)


def values_text(pairs):
    return ", ".join(pair.strip("{}").split(",")[0] for pair in pairs)


def rule_text(kind, version, other, pairs, string):
    """What a rule of meaning.txt does, in words."""
    numbers = "empty" if string else values_text(pairs)
    if kind == "needed":
        return "refused where it would be lost" + (f", but for {numbers}" if pairs else "")
    if kind == "needed_since":
        return f"refused across {version}"
    if kind == "unknown":
        return "refused on the way to a version that has it"
    if kind == "lost":
        return "dropped, as Kafka's brokers do"
    if kind == "error_of":
        return f"`{other}` is its own or that of the one element; without an error of its own, more or less than one are refused"
    if kind == "holds":
        return f"one element becomes `{other}`, none {numbers}, and back; more are refused"
    if kind == "implied":
        return f"where it is lacking, {numbers} alone; others are refused there"
    if kind == "like":
        return f"where it is lacking, as `{other}`"
    if kind == "since":
        return f"{numbers}: refused below {version}" + (f", unless there are `{other}`" if other else "")
    if kind == "until":
        return f"{numbers}: refused from {version} on"
    if kind == "translated":
        return f"{pairs_text(pairs)} below {version}"
    if kind == "raised":
        return f"{pairs_text(pairs)} on the way to {version} and later"
    if kind == "same_around":
        return f"across {version}: only {numbers}"
    if kind == "empty_is_null":
        return f"below {version} empty is null, from {version} on null; empty from {version} on is refused below"
    if kind == "null_is_empty":
        return f"null becomes empty below {version}"
    if kind == "topic":
        return f"to `{other}` and back with a directory, otherwise refused"
    if kind == "becomes":
        cases = [pair.strip("{}").split(", ") for pair in pairs]
        shown = ", ".join(f"{a} and {'others' if b == 'any_number' else b}" for a, b in cases)
        return f"becomes `{other}`" + (f" ({shown})" if shown else "") + "; refused if there is no such value"
    if kind == "omit":
        return f"elements whose `{other}` is {numbers} are left out below {version}"
    if kind == "records":
        first, last = (pair.strip("{}").split(", ") for pair in pairs)
        return f"versions {version} to {first[0]}: batches of magic {last[0]} to {last[1]}, others are refused"
    if kind == "codecs":
        return "below {}: batches of compression {} to {}, others are refused".format(version, *pairs[0].strip("{}").split(", "))
    if kind == "gathers":
        lost = [word.split("=")[0] for word in other.split() if word.endswith("=-")]
        fields = ", ".join(f"`{word.split('=')[1]}`" for word in other.split() if not word.endswith("=-"))
        return (f"one element becomes {fields}; more or less than one is refused; "
                + (f"the way back is refused, since nothing says `{', '.join(lost)}`" if lost else "and the way back"))
    if kind == "each":
        return f"becomes `{other.split('=')[1]}` and back; elements that say more are refused"
    if kind == "differs":
        return f"refused across {version}" + (f" if there is a `{other}`" if other else "")
    raise ValueError(kind)


# What says what becomes of a field on the way to a version that lacks it.
OF_THE_LACK = ("needed", "lost", "implied", "topic", "becomes", "gathers", "each", "error_of", "holds")


def lacking(message, rules):
    """What some versions lack, but for fields whose loss has a rule: (refused, dropped, nulls), each `path (versions)`."""
    refused, dropped, nulls = [], [], []
    ruled = {where for name, path, kind, *_ in rules if name == message.name and kind in OF_THE_LACK
             for where in paths_to(message, path)}
    null_ruled = {path for name, path, kind, *_ in rules if name == message.name and kind in ("empty_is_null", "null_is_empty")}
    ruled |= {".".join((*path.split(".")[:-1], other)) for name, path, kind, _, other, *_ in rules
              if name == message.name and kind in ("becomes", "holds")}
    parts = {word.split("=")[1] for name, path, kind, _, other, *_ in rules
             if name == message.name and kind in ("gathers", "each") for word in other.split()}

    def visit(fields, enclosing, path):
        for field in fields:
            where = (*path, naming.snake(field.name))
            name = ".".join(where)
            ids = {".".join((*path, other)) for rule_name, rule_path, kind, _, other, *_ in rules
                   if rule_name == message.name and kind == "topic"}
            inside = (max(enclosing[0], field.versions[0]), min(enclosing[1], field.versions[1]))
            if inside[0] > inside[1]:
                continue  # a struct of several fields, some of them in other versions
            if field.nullable is not None and name not in null_ruled:
                null = (max(inside[0], field.nullable[0]), min(inside[1], field.nullable[1]))
                if null != inside and null[0] <= null[1]:
                    nulls.append(f"`{name}` ({versions_text(null, message.versions[1])})")
            if inside != enclosing and name not in ruled and name not in parts and name not in ids:
                row = f"`{name}` ({versions_text(inside, message.versions[1])})"
                (dropped if field.ignorable else refused).append(row)
            if field.struct is not None:
                visit(field.struct.fields, inside, where)

    visit(message.fields, message.versions, ())
    return refused, dropped, nulls


def paths_to(message, path):
    """All places of the field that is at `path`: a struct may be that of several fields."""
    wanted, found = field_at(message, path), []

    def visit(fields, enclosing, before):
        for field in fields:
            where = (*before, naming.snake(field.name))
            inside = (max(enclosing[0], field.versions[0]), min(enclosing[1], field.versions[1]))
            if inside[0] <= inside[1] and field is wanted:
                found.append(".".join(where))
            if inside[0] <= inside[1] and field.struct is not None:
                visit(field.struct.fields, inside, where)

    visit(message.fields, message.versions, ())
    return found


def field_at(message, path):
    fields, found = message.fields, None
    for name in path.split("."):
        found = next(field for field in fields if naming.snake(field.name) == name)
        fields = found.struct.fields if found.struct is not None else []
    return found


def tables(facts, rules):
    messages = {message.name: message for stem in facts.values() for message in stem}
    lines = [MARK, "## Where versions differ in meaning", "", "| message | field | what becomes of it | why |", "|---|---|---|---|"]
    for name, path, kind, version, other, pairs, why in rules:
        string = bool(path) and field_at(messages[name], path).type == "string"
        shown = ", ".join(f"`{place}`" for place in paths_to(messages[name], path)) if path else "the message"
        lines.append(f"| {name} | {shown} | {rule_text(kind, version, other, pairs, string)} | {why} |")
    lines += ["", "## What other versions lack", "",
              "Requests and responses only, without fields whose loss is above. In brackets are the versions that have the field, or its",
              "null. Messages without a line have the same fields in all their versions.", "",
              "| message | refused unless it is the default | dropped, as Kafka does | refused if null |", "|---|---|---|---|"]
    for name in sorted(messages):
        message = messages[name]
        if message.kind not in ("request", "response"):
            continue
        columns = lacking(message, rules)
        if any(columns):
            lines.append(f"| {name} | {' | '.join(', '.join(column) for column in columns)} |")
    return "\n".join(lines) + "\n"


def page(text, facts, rules):
    """The page with new tables below its mark."""
    head, mark, _ = text.partition(MARK)
    if not mark:
        raise SystemExit("docs/transcode.md has no mark")
    return head + tables(facts, rules)
