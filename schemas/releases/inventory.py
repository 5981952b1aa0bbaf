#!/usr/bin/env python2.7
"""Writes the inventory of a service: the sections and options that its sources register, read without running them.

    inventory.py SOURCE...          SOURCE is TITLE=PATH, or TITLE=PATH=SECTION

PATH is a folder or a file of Python: what its `register_opts` calls name; options without a group belong to SECTION,
`DEFAULT` unless said otherwise. Or a sample file (`*-sample`) of a service without oslo.config: its settings, also
those that are commented out. Or a folder of Django's, with SECTION `settings`: the settings that it reads or sets.

Needs Python 2.7, the language of these sources. What it cannot resolve it says on standard error.
"""

import ast
import os
import re
import sys

REGISTER = re.compile(r"^register_(cli_)?opts?$")
OPTION = re.compile(r"^(?!Deprecated)([A-Z]\w*)?Opt$")
SKIPPED = re.compile(r"(^|/)(tests?|functional|locale|doc|tools|contrib|fixture|conffixture\.py)(/|$)")
READ = re.compile(r"settings\.([A-Z][A-Z0-9_]+)|getattr\(settings,\s*['\"](\w+)")
WRITTEN = re.compile(r"^#?\s*([A-Z][A-Z0-9_]+)\s*=()", re.M)
SAMPLE = re.compile(r"^(?:#\s?)?(?:\[(?P<section>[\w:-]+)\]|(?P<key>[a-z][\w.]*)\s*=.*)\s*$")


def named(node):
    """The last word of a name or an attribute."""
    return getattr(node, "id", getattr(node, "attr", None))


def keyword(call, name):
    return next((it.value for it in call.keywords if it.arg == name), None)


class Module(object):
    """The assignments and registrations of one file. A scope is a function, a class or, for the file, None."""

    def __init__(self, path):
        with open(path) as source:
            self.tree = ast.parse(source.read(), path)
        self.path = path
        self.values, self.calls, self.plugins, self.pairs = {}, [], [], []
        self.imports, self.classes = set(), {}
        self.visit(self.tree, (None,))

    def visit(self, node, scopes):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.put(scopes[-1], target, node.value)
        elif isinstance(node, ast.AugAssign):
            self.put(scopes[-1], node.target, node.value)
        elif isinstance(node, ast.For):
            self.put(scopes[-1], node.target, node.iter)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self.imports.update(it.asname or it.name for it in node.names)
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            self.pairs.append((node.elts, scopes))
        elif isinstance(node, ast.Call) and node.args:
            if REGISTER.match(named(node.func) or ""):
                self.calls.append((node, scopes))
            elif named(node.func) == "extend" and getattr(scopes[-1], "name", None) == "get_options":
                # An authentication plugin: whoever loads it registers what it lists, in a section of its own choice.
                self.plugins.append((node, scopes))
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            scopes = scopes + (node,)
            self.classes[node.name] = node
        for child in ast.iter_child_nodes(node):
            self.visit(child, scopes)

    def put(self, scope, target, value):
        self.values.setdefault((scope, named(target)), []).append(value)


class Project(object):
    def __init__(self, folder):
        self.modules = [Module(folder)] if os.path.isfile(folder) else []
        for place, _, names in os.walk(folder):
            for name in sorted(names):
                path = os.path.join(place, name)
                if name.endswith(".py") and not SKIPPED.search(os.path.relpath(path, folder)):
                    self.modules.append(Module(path))

    def values(self, module, scopes, node):
        """What a name or an attribute may stand for, the nearest meaning first."""
        name, found = named(node), []
        if isinstance(node, ast.Attribute) and named(node.value) not in ("self", "cls"):
            owner = named(node.value)
            places = [(it, (None, it.classes[owner])) for it in self.modules if owner in it.classes]
            places += [(it, (None,)) for it in self.modules if os.path.basename(it.path) == "%s.py" % owner]
            # `module` may be renamed where it is imported.
            places += [(it, (None,)) for it in self.modules]
        else:
            places = [(module, scopes[:end]) for end in range(len(scopes), 0, -1)]
            if name in module.imports:
                places += [(it, (None,)) for it in self.modules]
        for place, path in places:
            found = [(place, path, value) for value in place.values.get((path[-1], name), [])]
            if found:
                return found
        return []

    def names(self, module, scopes, node, depth=0):
        """The option names of an expression; None when it cannot be told."""
        parts = []
        if depth > 12:
            return None
        if isinstance(node, (ast.List, ast.Tuple)):
            parts = node.elts
        elif isinstance(node, ast.BinOp):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and OPTION.match(named(node.func) or ""):
            first = node.args[0] if node.args else keyword(node, "name")
            return {first.s.replace("-", "_")} if isinstance(first, ast.Str) else None
        elif isinstance(node, ast.Call) and named(node.func) in ("list", "deepcopy", "copy", "chain"):
            parts = node.args
        elif isinstance(node, (ast.Name, ast.Attribute)):
            found = self.values(module, scopes, node)
            return union(self.names(m, s, value, depth + 1) for m, s, value in found)
        return union(self.names(module, scopes, part, depth + 1) for part in parts)

    def group(self, module, scopes, call, default):
        given = call.args[1] if len(call.args) > 1 else keyword(call, "group")
        if given is None or named(given) == "None":
            return default
        return self.text(module, scopes, given)

    def text(self, module, scopes, node, depth=0):
        if isinstance(node, ast.Str):
            return node.s
        if isinstance(node, ast.Call) and named(node.func) == "OptGroup":
            return self.text(module, scopes, node.args[0] if node.args else keyword(node, "name"), depth + 1)
        found = self.values(module, scopes, node) if depth < 6 and named(node) else []
        return next((text for text in (self.text(m, s, value, depth + 1) for m, s, value in found) if text), None)


def union(parts):
    known = [part for part in parts if part is not None]
    return set().union(*known) if known else None


def options(folder, default):
    """Pairs of section and names."""
    project = Project(folder)
    for module in project.modules:
        for call, scopes in module.calls:
            names = project.names(module, scopes, call.args[0])
            group = project.group(module, scopes, call, default)
            if names is None or group is None:
                sys.stderr.write("not read: %s:%d\n" % (module.path, call.lineno))
            else:
                yield group, names
        for call, scopes in module.plugins if default != "DEFAULT" else []:
            yield default, project.names(module, scopes, call.args[0])
        # What `list_opts` of a library tells Oslo's own generator: section and options.
        for (section, part), scopes in module.pairs:
            names = project.names(module, scopes, part)
            group = default if named(section) == "None" else project.text(module, scopes, section)
            if names and group:
                yield group, names
        for (_, name), values in module.values.items():
            for value in values:
                # A dictionary from section to options; and the `OPTIONS` of a store, registered by whoever loads it.
                pairs = zip(value.keys, value.values) if isinstance(value, ast.Dict) else []
                pairs = pairs or ([(None, value)] if name == "OPTIONS" else [])
                for key, part in pairs:
                    names = project.names(module, (None,), part) if isinstance(part, (ast.List, ast.Name)) else None
                    if names and (key is None or isinstance(key, (ast.Str, ast.Name))):
                        yield getattr(key, "s", default), names


def sample(path):
    section = None
    with open(path) as source:
        for line in source:
            found = SAMPLE.match(line)
            if found and found.group("section"):
                section = found.group("section")
            elif found:
                yield section, {found.group("key")}


def settings(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if name.endswith((".py", ".example")) and not SKIPPED.search(os.path.relpath(path, folder)):
                with open(path) as source:
                    text = source.read()
                found = READ.findall(text) + (WRITTEN.findall(text) if "settings.py" in name else [])
                yield "settings", {word for words in found for word in words if word}


def main():
    sections = {}
    for source in sys.argv[1:]:
        title, path, group = (source.split("=") + ["DEFAULT"])[:3]
        print("# " + title)
        if path.endswith("-sample"):
            read = sample(path)
        else:
            read = settings(path) if group == "settings" else options(path, group)
        for section, names in read:
            sections.setdefault(section, set()).update(names)
    for section in sorted(sections):
        print("\n[%s]" % section)
        for name in sorted(sections[section]):
            print(name)


if __name__ == "__main__":
    main()
