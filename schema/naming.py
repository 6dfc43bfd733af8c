"""C++ names for schema names; the generator and the importer's checks share them."""

import re

KEYWORDS = frozenset("""
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch
    char char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
    constinit continue decltype default delete do double dynamic_cast else enum explicit export extern false float for
    friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
    public reflexpr register reinterpret_cast requires return short signed sizeof static static_assert static_cast
    struct switch synchronized template this thread_local throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar_t while xor xor_eq""".split())

# What each message class already has inside.
RESERVED_STRUCTS = frozenset({"data", "view", "fields", "facts", "basic_view", "key", "name", "versions"})

# What each `data` struct has beside its fields.
RESERVED_FIELDS = frozenset({"struct_type", "unknown_tags"})

MESSAGE_SUFFIXES = ("Request", "Response", "Record", "Key", "Value", "Data")


class NamingError(Exception):
    """Schema names that give no usable or no unique C++ names."""


def snake(name: str) -> str:
    """`IsrNodes` -> `isr_nodes`, `V3AndBelowTopics` -> `v3_and_below_topics`, `namedTopology` -> `named_topology`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return spaced.lower()


def json_key(name: str) -> str:
    """The key that Kafka's JSON converters use: the name with its first letter in lower case."""
    return name[:1].lower() + name[1:]


def lower_camel(snake_name: str) -> str:
    """`isr_nodes` -> `isrNodes`: what snake() loses of a JSON key is what this does not restore."""
    first, *rest = snake_name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def file_stem(message_name: str, kind: str) -> str:
    """The file for a message: requests share it with their responses, coordinator keys with their values.

    `FetchRequest` -> `fetch`, `OffsetCommitKey` -> `offset_commit_record`, any other name as it is.
    """
    if kind in ("request", "response"):
        return snake(message_name.removesuffix("Request").removesuffix("Response"))
    if kind in ("coordinator-key", "coordinator-value"):
        return snake(message_name.removesuffix("Key").removesuffix("Value")) + "_record"
    return snake(message_name)


def short_struct_name(struct_name: str, message_name: str) -> str:
    """The struct's name without the message's or API's name in front: `MetadataRequestTopic` -> `topic`."""
    prefixes = [message_name]
    prefixes += [message_name.removesuffix(suffix) for suffix in MESSAGE_SUFFIXES if message_name.endswith(suffix)]
    for prefix in prefixes:
        rest = struct_name.removeprefix(prefix)
        if prefix and rest != struct_name and rest[:1].isupper() and _usable_struct(snake(rest), message_name):
            return snake(rest)
    return snake(struct_name)


def _usable_struct(name: str, message_name: str) -> bool:
    return (bool(re.fullmatch(r"[a-z][a-z0-9_]*", name)) and name not in KEYWORDS and name not in RESERVED_STRUCTS
            and name != snake(message_name))


def struct_names(struct_names_of_message, message_name: str) -> dict[str, str]:
    """C++ names of all structs of one message; those that would share a short name keep their long ones."""
    names = list(struct_names_of_message)
    short = {name: short_struct_name(name, message_name) for name in names}
    taken = list(short.values()) + [snake(name) for name in names if snake(name) != short[name]]
    found = {name: short[name] if taken.count(short[name]) == 1 else snake(name) for name in names}
    for name, chosen in found.items():
        if not _usable_struct(chosen, message_name):
            raise NamingError(f"{message_name}: struct {name} cannot be called `{chosen}`")
    if len(set(found.values())) != len(found):
        raise NamingError(f"{message_name}: two structs would have one name: {sorted(found.values())}")
    return found


def field_names(field_names_of_struct, where: str) -> dict[str, str]:
    """C++ names of the fields of one struct or message."""
    found = {name: snake(name) for name in field_names_of_struct}
    for name, chosen in found.items():
        if chosen in KEYWORDS or chosen in RESERVED_FIELDS or not re.fullmatch(r"[a-z][a-z0-9_]*", chosen) or chosen.endswith("_"):
            raise NamingError(f"{where}: field {name} cannot be called `{chosen}`")
    if len(set(found.values())) != len(found):
        raise NamingError(f"{where}: two fields would have one name: {sorted(found.values())}")
    return found


def enumeration(field) -> str | None:
    """Whose enumerators the numbers of a model.Field are: `error_code`, `api_key`, or None.

    Streams' SubscriptionInfoData has an errorCode of 32 bits with codes of its own, which is none.
    """
    if field.type != "int16" or field.array:
        return None
    if field.name.lower().endswith("errorcode"):
        return "error_code"
    return "api_key" if field.name.lower().endswith("apikey") else None


def check_message(message):
    """Raises NamingError unless every struct and field of a model.Message has a usable name of its own."""
    struct_names([struct.name for struct in message.structs()], message.name)
    for place in [message, *message.structs()]:
        field_names([field.name for field in place.fields], f"{message.name} {place.name}")
