"""The union of two releases: the newer one speaks for every version that it has, the older one for the rest."""

import heapq

from kafka_json import check
from model import Field, Message, Range, SchemaError, Struct, has, intersect


def restrict(message: Message, versions: Range) -> Message:
    """A copy that knows only some of the message's versions; what never occurs in them is gone."""
    spans: dict[str, Range] = {}

    def span(fields, within):
        for field in fields:
            found = intersect(field.versions, within)
            if field.struct is not None and found:
                before = spans.get(field.struct.name, found)
                spans[field.struct.name] = (min(before[0], found[0]), max(before[1], found[1]))
                span(field.struct.fields, found)

    built: dict[str, Struct] = {}

    def copy(fields, within):
        found = []
        for old in fields:
            clipped = intersect(old.versions, within)
            if clipped is None:
                continue
            field = Field(**vars(old) | {"versions": clipped, "nullable": intersect(old.nullable, clipped),
                                         "tagged": intersect(old.tagged, clipped),
                                         "ignorable": intersect(old.ignorable, versions)})
            if field.tagged is None:
                field.tag = None
            if old.struct is not None:
                name = old.struct.name
                if name not in built:
                    built[name] = Struct(name, spans[name], [])
                    built[name].fields = copy(old.struct.fields, spans[name])
                field.struct = built[name]
            found.append(field)
        return found

    span(message.fields, versions)
    fields = copy(message.fields, versions)
    flexible = message.flexible_from
    if flexible is not None:
        flexible = max(flexible, versions[0]) if flexible <= versions[1] else None
    unstable = message.unstable if message.unstable is not None and message.unstable <= versions[1] else None
    return Message(message.name, message.kind, message.key, versions, flexible, fields, [], unstable,
                   message.listeners)


def leftover(newer: Message | None, older: Message | None) -> list[int]:
    """The versions for which only the older release can speak."""
    if older is None:
        return []
    versions = range(older.versions[0], older.versions[1] + 1)
    return [version for version in versions if newer is None or not has(newer.versions, version)]


def merge(newer: Message | None, older: Message | None) -> Message:
    """One message with all versions of both."""
    rest = leftover(newer, older)
    if newer is None or not rest:
        message = newer or older
        message = restrict(message, message.versions)
    elif newer.kind == "coordinator-key":
        message = restrict(newer, newer.versions)
        message.aliases = tuple(rest)
    elif rest[-1] + 1 == newer.versions[0]:
        try:
            message = _Merge(restrict(newer, newer.versions), restrict(older, (rest[0], rest[-1]))).run()
        except SchemaError as error:
            raise SchemaError(f"{newer.name}: {error}") from error
    else:
        raise SchemaError(f"{newer.name}: the importer expects that only the oldest versions are removed, but the "
                          f"releases have {older.versions} and {newer.versions}")
    _settle_ignorables(message, newer, older)
    check(message)
    return message


class _Merge:
    def __init__(self, newer: Message, older: Message):
        self.newer = newer
        self.older = older
        self.versions = (older.versions[0], newer.versions[1])
        self.structs: dict[str, Struct] = {}
        self.joined: dict[str, str] = {}  # older struct name -> newer struct name

    def run(self) -> Message:
        newer, older = self.newer, self.older
        if newer.key != older.key and older.key is not None:
            raise SchemaError(f"the key {older.key} became {newer.key}")
        if older.flexible_from is None:
            flexible = newer.flexible_from
        elif newer.flexible_from == newer.versions[0]:
            flexible = older.flexible_from
        else:
            raise SchemaError("flexible versions do not join")
        message = Message(newer.name, newer.kind, newer.key, self.versions, flexible,
                          self.fields(newer.fields, older.fields), [], newer.unstable, newer.listeners)
        _fix_spans(message)
        check(message)
        return message

    def fields(self, newer: list[Field], older: list[Field]) -> list[Field]:
        new = {field.name: field for field in newer}
        old = {field.name: field for field in older}
        merged = {name: self.field(new.get(name), old.get(name)) for name in [*new, *old]
                  if name in new or name in old}
        return [merged[name] for name in _order(newer, older)]

    def field(self, new: Field | None, old: Field | None) -> Field:
        if new is None or old is None:
            only = new or old
            field = Field(**vars(only))
            if only.struct is not None:
                field.struct = self.struct(new and new.struct, old and old.struct)
                field.type = field.struct.name
            return field
        # map_key, entity and zero_copy have no effect on the wire: the newer release's words hold for all versions.
        for what in ("array", "default", "compact"):
            if getattr(new, what) != getattr(old, what):
                raise SchemaError(f"{new.name}: {what} was {getattr(old, what)} and is {getattr(new, what)}")
        if (new.struct is None) != (old.struct is None) or (new.struct is None and new.type != old.type):
            raise SchemaError(f"{new.name}: {old.type} became {new.type}")
        if new.tag is not None and old.tag is not None and new.tag != old.tag:
            raise SchemaError(f"{new.name}: tag {old.tag} became {new.tag}")
        field = Field(**vars(new))
        field.versions = _join(old.versions, new.versions, new.name)
        field.nullable = _join(old.nullable, new.nullable, new.name)
        field.tagged = _join(old.tagged, new.tagged, new.name)
        field.tag = old.tag if new.tag is None else new.tag
        if new.struct is not None:
            field.struct = self.struct(new.struct, old.struct)
        return field

    def struct(self, new: Struct | None, old: Struct | None) -> Struct:
        """The one struct that stands for both; further uses of either must pair the same two."""
        if new is None and old.name in self.joined:
            name = self.joined[old.name]
        else:
            name = (new or old).name
        if new is not None and old is not None and self.joined.setdefault(old.name, new.name) != new.name:
            raise SchemaError(f"struct {old.name} became both {self.joined[old.name]} and {new.name}")
        if name not in self.structs:
            other_new = new or _find(self.newer, name)
            other_old = old or _find(self.older, name)
            if other_new is not None and other_old is not None:
                self.joined.setdefault(other_old.name, other_new.name)
            struct = self.structs[name] = Struct(name, (0, 0), [])
            struct.fields = self.fields(other_new.fields if other_new else [], other_old.fields if other_old else [])
        return self.structs[name]


def _find(message: Message, name: str) -> Struct | None:
    return next((struct for struct in message.structs() if struct.name == name), None)


def _join(old: Range | None, new: Range | None, name: str) -> Range | None:
    if old is None or new is None:
        return old or new
    if old[1] + 1 != new[0]:
        raise SchemaError(f"{name}: the ranges {old} and {new} leave a gap")
    return old[0], new[1]


def _order(newer: list[Field], older: list[Field]) -> list[str]:
    """Names such that both releases' orders hold, in the newer one's order where neither says more."""
    places: dict[str, tuple[int, int, int]] = {field.name: (at, 0, 0) for at, field in enumerate(newer)}
    anchor = -1
    for at, field in enumerate(older):
        if field.name in places:
            anchor = places[field.name][0]
        else:
            places[field.name] = (anchor, 1, at)
    before: dict[str, set[str]] = {name: set() for name in places}
    for fields in (newer, older):
        for at, field in enumerate(fields):
            # The order of two fields that no version has together does not matter.
            before[field.name] |= {other.name for other in fields[:at] if intersect(other.versions, field.versions)}
    ready = [(place, name) for name, place in places.items() if not before[name]]
    heapq.heapify(ready)
    found = []
    while ready:
        _, name = heapq.heappop(ready)
        found.append(name)
        for other, needed in before.items():
            if name in needed:
                needed.discard(name)
                if not needed:
                    heapq.heappush(ready, (places[other], other))
    if len(found) != len(places):
        raise SchemaError(f"the releases order these fields differently: {sorted(set(places) - set(found))}")
    return found


def _fix_spans(message: Message):
    """Sets each struct's versions from its uses."""
    for struct in message.structs():
        struct.versions = None

    def visit(fields, within):
        for field in fields:
            found = intersect(field.versions, within)
            if field.struct is not None and found:
                before = field.struct.versions or found
                field.struct.versions = (min(before[0], found[0]), max(before[1], found[1]))
                visit(field.struct.fields, found)

    visit(message.fields, message.versions)


def _settle_ignorables(message: Message, newer: Message | None, older: Message | None):
    """Sets `ignorable` from the release that decides each version, or from the other where it lacks the field.

    It is asked only when a version is written that has the struct but lacks the field. What a release says about versions
    that carry the field has no meaning, and the range is widened over them to the whole message.
    """
    rest = leftover(newer, older)

    def visit(place, new_fields, old_fields):
        new = {field.name: field for field in new_fields}
        old = {field.name: field for field in old_fields}
        for field in place.fields:
            by_new, by_old = new.get(field.name), old.get(field.name)
            every = range(place.versions[0], place.versions[1] + 1)
            lacking = [version for version in every if not has(field.versions, version)]
            said = []
            for version in lacking or [message.versions[1]]:
                first, second = (by_old, by_new) if version in rest else (by_new, by_old)
                said.append(version if (first or second).ignorable else None)
            yes = [version for version in said if version is not None]
            if not yes:
                field.ignorable = None
            elif len(yes) == len(said):
                field.ignorable = message.versions
            else:
                field.ignorable = (yes[0], yes[-1])
                if any(has(field.ignorable, version) and version not in yes for version in lacking):
                    raise SchemaError(f"{field.name}: the versions in which it is ignorable have gaps")
            if field.struct is not None:
                visit(field.struct, by_new.struct.fields if by_new else [], by_old.struct.fields if by_old else [])

    visit(message, newer.fields if newer else [], older.fields if older else [])
