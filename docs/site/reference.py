"""The reference: a page for each public header, with its names and what their comments say, read by libclang.

    python3 docs/site/reference.py --check      only the names that have no sentence

A public name is one in namespace kwire, outside of detail and of generated messages, that is not private. It needs a comment of its
own. There are four exceptions: another overload of the same name has one; it is a function or a type directly below one that has (a
group, such as put_u8, put_u16); a copy, a move, a comparison, an iterator or what containers have mean what they mean in the standard;
the comment of the class says `as a std::vector` or the like, and it is a name of that class.
"""

import html
import os
import pathlib
import re
import sys

from clang import cindex
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
K = cindex.CursorKind

CLASSES = (K.CLASS_DECL, K.STRUCT_DECL, K.CLASS_TEMPLATE, K.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION)
FUNCTIONS = (K.FUNCTION_DECL, K.FUNCTION_TEMPLATE, K.CXX_METHOD, K.CONSTRUCTOR, K.CONVERSION_FUNCTION)
TYPES = (K.TYPE_ALIAS_DECL, K.TYPE_ALIAS_TEMPLATE_DECL, K.CONCEPT_DECL)
VALUES = (K.VAR_DECL, K.FIELD_DECL, K.ENUM_CONSTANT_DECL, K.UNEXPOSED_DECL)
KINDS = (*CLASSES, *FUNCTIONS, *TYPES, *VALUES, K.ENUM_DECL)

STANDARD = frozenset("""
    begin end cbegin cend rbegin rend size empty data front back at swap clear value_type iterator const_iterator difference_type
    iterator_category iterator_concept reference const_reference pointer const_pointer size_type reverse_iterator
    const_reverse_iterator has_value value error value_or view_type message_type""".split())


def compiler_flags():
    flags = ["-std=c++23", f"-I{INCLUDE}", "-fparse-all-comments", "-Wno-everything"]
    prefixes = [p for p in os.environ.get("CMAKE_PREFIX_PATH", "").split(":") if p]
    return flags + [f"-isystem{prefix}/include" for prefix in prefixes]


def generated():
    return {path.stem for path in (ROOT / "schema" / "messages").glob("*.txt")}


def public_headers():
    """The headers that a program includes, but for one message each."""
    stems = generated()
    found = []
    for path in sorted((INCLUDE / "kwire").rglob("*.hpp")):
        name = path.relative_to(INCLUDE)
        if "detail" in name.parts or (name.parts[1] == "messages" and (path.stem in stems or "view" in name.parts)):
            continue
        found.append(name.as_posix())
    return found


def owners(headers):
    """For each header in a detail/: the public header whose page has its public names, which is the first that includes it."""
    includes = {path.relative_to(INCLUDE).as_posix(): re.findall(r"#include <(kwire/[^>]*)>", path.read_text(encoding="utf-8"))
                for path in (INCLUDE / "kwire").rglob("*.hpp")}
    found = {}
    for header in sorted(headers, key=lambda name: (name.count("/") == 1, name)):
        waiting = [header]
        while waiting:
            for name in includes[waiting.pop()]:
                if "/detail/" in name and name not in found:
                    found[name] = header
                    waiting.append(name)
    return found


# ------------------------------------------------------------------------------------------------ what libclang reads


class Entry:
    """A public name with its declaration and its comment."""

    def __init__(self, cursor, scope, source):
        self.kind = cursor.kind
        self.name = cursor.spelling
        self.scope = scope
        self.line, self.last_line = cursor.extent.start.line, cursor.extent.end.line
        self.comment = comment_text(cursor.raw_comment or comment_beside(source, self.line, self.last_line))
        self.text = declaration(cursor, source)
        self.members = []
        self.deleted = bool(re.search(r"= delete\s*;?$", self.text))

    @property
    def full_name(self):
        return "::".join([*self.scope, self.name])


def comment_beside(source, first, last):
    """The comment of a declaration to which libclang attaches none, such as a template of variables."""
    lines = source.decode("utf-8").split("\n")
    above = first - 1
    while above > 0 and lines[above - 1].lstrip().startswith("///") and "///<" not in lines[above - 1]:
        above -= 1
    trailing = re.search(r"///<.*", lines[last - 1])
    return "\n".join(lines[above : first - 1]) or (trailing[0] if trailing else "")


def comment_text(raw):
    if not raw:
        return ""
    lines = [re.sub(r"^\s*///?<?!? ?", "", line) for line in raw.splitlines()]
    return "\n".join(lines).strip("\n")


def declaration(cursor, source):
    """The source of a declaration without its body."""
    start, end = cursor.extent.start.offset, cursor.extent.end.offset
    text = source[start:end].decode("utf-8")
    if cursor.kind in (*CLASSES, K.ENUM_DECL, *FUNCTIONS) and text.endswith("}"):
        depth = 0
        for at in range(len(text) - 1, -1, -1):
            depth += {"}": 1, "{": -1}.get(text[at], 0)
            if depth == 0:
                text = text[:at].rstrip()
                break
    if cursor.kind in FUNCTIONS:
        text = without_initialisers(text)
    text = re.sub(r"\bKWIRE_\w+ ?", "", text)
    text = re.sub(r"\s*//.*", "", text)
    lines = text.split("\n")
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    column = cursor.extent.start.column - 1
    return "\n".join([lines[0], *(line[min(indent, column):] for line in lines[1:])]).rstrip()


def without_initialisers(text):
    """A constructor without `: member_(value)`."""
    depth = 0
    for at, letter in enumerate(text):
        depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(letter, 0)
        if letter == ":" and depth == 0 and text[at - 1] != ":" and text[at + 1 : at + 2] != ":" and ")" in text[:at]:
            return text[:at].rstrip()
    return text


def read():
    """{header: [Entry...]}, in the order of the source."""
    headers = public_headers()
    owner = owners(headers)
    source = "".join(f"#include <{name}>\n" for name in headers)
    unit = cindex.Index.create().parse("all.cpp", compiler_flags(), unsaved_files=[("all.cpp", source)],
                                       options=cindex.TranslationUnit.PARSE_SKIP_FUNCTION_BODIES)
    failures = [str(d) for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    if failures:
        raise SystemExit("libclang cannot read the headers:\n" + "\n".join(failures[:20]))
    files, found, stems = {}, {name: [] for name in headers}, generated()

    def visit(cursor, scope, into):
        for child in cursor.get_children():
            if child.kind == K.UNEXPOSED_DECL and not child.spelling:
                visit(child, scope, into)
                continue
            if child.location.file is None or child.kind not in (*KINDS, K.NAMESPACE):
                continue
            path = child.location.file.name
            if not path.startswith(str(INCLUDE)):
                continue
            name = pathlib.Path(path).relative_to(INCLUDE).as_posix()
            if child.kind == K.NAMESPACE:
                if re.fullmatch(r"v\d+(_\w+)*", child.spelling):  # inline: KWIRE_ABI
                    visit(child, scope, into)
                elif child.spelling not in ("detail", "layout"):
                    visit(child, [*scope, child.spelling] if child.spelling else scope, into)
                continue
            page = name if name in found else owner.get(name)
            if child.semantic_parent != child.lexical_parent and child.kind in FUNCTIONS and child.semantic_parent.kind in CLASSES:
                continue  # the definition of a member, outside of its class
            if page is None or (name.startswith("kwire/messages/") and ("detail" in name or pathlib.Path(name).stem in stems)):
                continue
            if child.access_specifier in (cindex.AccessSpecifier.PRIVATE, cindex.AccessSpecifier.PROTECTED):
                continue
            if child.kind in CLASSES + (K.ENUM_DECL,) and not child.is_definition():
                continue
            if not child.spelling or child.spelling.startswith("(") or "<deduction guide" in child.spelling:
                continue
            if path not in files:
                files[path] = pathlib.Path(path).read_bytes()
            entry = Entry(child, scope, files[path])
            entry.file = name
            (found[page] if into is None else into).append(entry)
            if child.kind in (*CLASSES, K.ENUM_DECL):
                visit(child, [*scope, child.spelling], entry.members)

    for cursor in unit.cursor.get_children():
        if cursor.kind == K.NAMESPACE and cursor.spelling == "kwire":
            visit(cursor, [], None)
    return found


# ------------------------------------------------------------------------------------------------ what has no sentence


def is_standard(entry):
    """Whether a name means what it means everywhere."""
    name = entry.name
    return (name in STANDARD or entry.kind == K.CONSTRUCTOR or entry.deleted
            or re.match(r"operator\s*(==|<=>|=|\*|->|\+\+|--|\[\]|\+=|-=|-|\+|<|\(\)|\W)", name)
            or re.match(rf"{re.escape(name)}<", name) or (entry.scope and re.match(rf"{re.escape(entry.scope[-1])}(<|$)", name)))


def without_sentence(entries, like_a_container=False):
    said = {entry.name for entry in entries if entry.comment}
    problems, before = [], None
    for entry in entries:
        grouped = before is not None and (
            entry.line == before.last_line or (entry.kind in (*FUNCTIONS, *TYPES) and before.kind in (*FUNCTIONS, *TYPES)
                                               and entry.line - before.last_line <= 1))
        fine = bool(entry.comment) or entry.name in said or is_standard(entry) or grouped or like_a_container
        if not fine:
            problems.append(f"include/{entry.file}:{entry.line}: kwire::{entry.full_name} has no sentence")
        before = entry if fine else None
        if entry.kind in (*CLASSES, K.ENUM_DECL):
            problems += without_sentence(entry.members, bool(re.search(r"std::(vector|optional)", entry.comment)))
    return problems


# ------------------------------------------------------------------------------------------------ pages


def coloured(text, extra=""):
    shown = highlight(text, CppLexer(stripnl=True), HtmlFormatter(nowrap=True)).rstrip()
    return f'<pre class="codehilite{extra}"><code>{shown}</code></pre>'


def prose(text):
    shown = html.escape(text, quote=False)
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", shown)
    shown = re.sub(r"@return\b", "Returns", re.sub(r"@pre\b", "Precondition:", shown))
    return re.sub(r"(&lt;kwire/[\w/]+\.hpp&gt;)", r"<code>\1</code>", shown)


def comment_html(text):
    """Paragraphs, lists and examples of a comment."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        while lines:
            code = lines[0].startswith("    ") and not (out and out[-1].startswith("<ul>"))
            taken = [lines.pop(0)]
            while lines and lines[0].startswith("    ") == code and not lines[0].lstrip().startswith(("* ", "- ", "@")):
                taken.append(lines.pop(0))
            if code:
                example = "\n".join(line[4:] for line in taken)
                out.append(coloured(example, " example"))
            elif re.match(r"\s*[*-] ", taken[0]):
                item = re.sub(r"^\s*[*-] ", "", " ".join(line.strip() for line in taken))
                out.append(f"<ul><li>{prose(item)}</li></ul>")
            else:
                out.append(f"<p>{prose(' '.join(line.strip() for line in taken))}</p>")
    return "".join(out).replace("</ul><ul>", "").replace('</code></pre><pre class="codehilite example"><code>', "\n\n")


def anchor(entry):
    return re.sub(r"\W+", "-", entry.full_name).strip("-")


def items(entries, depth, page, site, used):
    """Each name, or each group of names under one comment."""
    out, at = "", 0
    while at < len(entries):
        entry = entries[at]
        group = [entry]
        while (at + len(group) < len(entries) and not entries[at + len(group)].comment and not entries[at + len(group)].members
               and not entry.members and entries[at + len(group)].line - group[-1].last_line <= 1):
            group.append(entries[at + len(group)])
        at += len(group)
        ids = ""
        for each in group:
            name = anchor(each)
            address = f"{page}#{name}"
            if name not in used:
                used.add(name)
                ids += f'<a id="{name}"></a>'
                site.search.append((each.full_name, "kwire::" + each.full_name.rpartition("::")[0] if each.scope else page[10:-5], address))
                site.names.setdefault(each.full_name, address)
                if not each.scope or each.kind in (*CLASSES, K.ENUM_DECL):
                    site.names.setdefault(each.name, address)
        if entry.kind == K.ENUM_DECL:
            rows = "".join(f'<tr><td><code>{each.name}</code></td><td>{prose(" ".join(each.comment.split()))}</td></tr>' for each in entry.members)
            members = f'<table class="fields"><tbody>{rows}</tbody></table>'
            for each in entry.members:
                site.names.setdefault(each.full_name, f"{page}#{anchor(entry)}")
        else:
            members = items([m for m in entry.members if not m.deleted], depth + 1, page, site, used)
        heading = f"<h{min(depth, 3)}><code>{html.escape(entry.name)}</code></h{min(depth, 3)}>" if entry.members or depth == 2 else ""
        out += (f'<div class="item{" member" if depth > 2 else ""}">{ids}{heading}{coloured(chr(10).join(e.text.rstrip(";") + ";" for e in group))}'
                f'{comment_html(entry.comment)}{members}</div>')
    return out


def header_comment(name):
    lines = (INCLUDE / name).read_text(encoding="utf-8").splitlines()
    taken = []
    for line in lines:
        if line.startswith("///"):
            taken.append(line)
        elif taken or line.startswith("#"):
            break
    return comment_text("\n".join(taken))


def first_sentence(text):
    return re.split(r"(?<=[.])\s", " ".join(text.split("\n\n")[0].split()), maxsplit=1)[0]


def add_pages(site):
    found = read()
    problems = [problem for name in found for problem in without_sentence(found[name])]
    folders = {}
    for name, entries in found.items():
        about = header_comment(name)
        short = name.removeprefix("kwire/")
        if not about:
            if re.search(r"Generated by", (INCLUDE / name).read_text(encoding="utf-8")[:200]):
                about = "Lists of messages; generated."
            else:
                problems.append(f"include/{name} does not say what it is for")
        address = f"reference/{short.removesuffix('.hpp').replace('/', '-')}.html"
        used = set()
        body = f"<h1><code>&lt;{name}&gt;</code></h1>{comment_html(about)}{items(entries, 2, address, site, used)}"
        if not entries:
            includes = re.findall(r"#include <(kwire/[^>]*)>", (INCLUDE / name).read_text(encoding="utf-8"))
            body += "<h2>Includes</h2><ul>" + "".join(f"<li><code>&lt;{i}&gt;</code></li>" for i in includes if "/detail/" not in i) + "</ul>"
        names = []
        for entry in entries:
            if (entry.name, anchor(entry)) not in names:
                names.append((entry.name, anchor(entry)))
        site.add(address, f"<{name}>", body, "".join(f'<a href="#{a}">{html.escape(n)}</a>' for n, a in names))
        site.names[f"<{name}>"] = address
        site.search.append((f"<{name}>", "header", address))
        folder = short.rpartition("/")[0]
        folders.setdefault(folder, []).append((name, address, first_sentence(about), len(names)))
    total = sum(len(entries) for entries in found.values())
    body = (f"<h1>Reference</h1><p>The public headers of kwire and the names in them, {total} outside of classes. "
            'Messages are in the <a href="../catalogue/index.html">catalogue</a>. A header includes what it needs; '
            "<code>&lt;kwire/kwire.hpp&gt;</code> includes all that need only the standard library.</p>")
    for folder in sorted(folders, key=lambda name: (name != "", name)):
        body += f"<h2>{folder or 'kwire'}/</h2><table class=\"fields\"><tbody>"
        for name, address, about, _ in folders[folder]:
            body += (f'<tr><td><a href="../{address}"><code>&lt;{name}&gt;</code></a></td><td>{prose(about)}</td></tr>')
        body += "</tbody></table>"
    site.add("reference/index.html", "Reference", body)
    site.search.append(("Reference", "page", "reference/index.html"))
    return problems


if __name__ == "__main__":
    missing = [problem for name, entries in read().items() for problem in without_sentence(entries)]
    print("\n".join(missing) or "every public name has its sentence")
    sys.exit(bool(missing))
