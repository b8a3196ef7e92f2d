#!/usr/bin/env python3
"""score.py VERIFY TESTS BINARY [--update]: runs the cases of TESTS (suricata-verify) through BINARY with VERIFY (verify.py)
and compares what passes with what CONFORMANCE.md says; --update writes that file anew.

CONFORMANCE.md is made from the results and from reasons.txt beside this script, which says of each case of the groups
listed in it why it does not pass. A case that passed before and fails now, one that passes and is not known to, and one
of those groups that fails without a reason: each ends this with status 1.
"""
import collections, contextlib, fnmatch, io, json, os, re, sys, tempfile, types

here = os.path.dirname(os.path.abspath(__file__))
project = os.path.normpath(os.path.join(here, "../../.."))
document = os.path.join(project, "CONFORMANCE.md")
passing = os.path.join(here, "passing.txt")


def run(verify, arguments):
    """Runs verify.py and gives what it prints."""
    program = types.ModuleType("verify")
    with open(verify) as file:
        source = file.read().rstrip().removesuffix("main()")
    exec(compile(source, verify, "exec"), program.__dict__)
    holds = program.holds

    def holds_each(event, key, want):
        # A list of keys stands for each of them; verify.py itself stumbles over it.
        wanted = want if key in ("has-key", "not-has-key") and isinstance(want, list) else [want]
        return all(holds(event, key, one) for one in wanted)

    program.holds = holds_each
    sys.argv = [verify, *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        program.main()
    return said.getvalue()


def group(case):
    """The first word of a case's name: `tcp` of `tcp-async-one-side`."""
    return "http-evader" if case.startswith("http-evader") else re.split(r"[-_/]", case)[0]


def words(path):
    """Lines of a file without comments."""
    with open(path) as lines:
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def reasons():
    """The groups that must pass or have a reason, and the reason of each case (`case: reason`)."""
    groups, known = [], {}
    for line in words(os.path.join(here, "reasons.txt")):
        name, _, text = line.partition(": ")
        if name == "groups":
            groups = text.split()
        else:
            known[name] = text
    return groups, known


def reason(case, known):
    """Why a case does not pass: what is said of it, or of all that a name with a `*` stands for."""
    pattern = next((name for name in known if "*" in name and fnmatch.fnmatchcase(case, name)), None)
    return known.get(case) or known.get(pattern)


def table(results, groups):
    """One row per group."""
    counts = collections.defaultdict(lambda: [0, 0])
    for case, faults in results.items():
        counts[group(case)][0] += not faults
        counts[group(case)][1] += 1
    rows = ["| group | pass | of |", "|---|--:|--:|"]
    for name in sorted(counts, key=lambda name: (name not in groups, name)):
        mark = "**" if name in groups else ""
        rows.append(f"| {mark}{name}{mark} | {counts[name][0]} | {counts[name][1]} |")
    return "\n".join(rows)


def render(results, left, groups, known):
    """CONFORMANCE.md."""
    evader = [case for case in results if group(case) == "http-evader"]
    rest = [case for case in results if group(case) != "http-evader"]
    good = lambda cases: sum(not results[case] for case in cases)
    failed = [case for case in sorted(results) if results[case] and group(case) in groups]
    return f"""# Conformance

What `make conformance` finds with the cases of [suricata-verify](https://github.com/OISF/suricata-verify): a capture, rules and
the EVE events that Suricata 8 writes for them. A case passes when every one of its checks does. This file is written by
`fastpath/tests/conformance/score.py --update`; CI fails when it does not say what is so.

{good(rest)} of {len(rest)} cases pass, and {good(evader)} of the {len(evader)} of the http-evader family. Cases with no event at all
pass with a program that does nothing; there are about 31 of them. Not run: {left}.

Groups in bold are about packets, datagrams, flows, streams and the rule language: what of them does not pass is explained below.
The others need application protocols that are not there yet.

{table(results, groups)}

## Cases of the groups in bold that do not pass

| case | why |
|---|---|
""" + "".join(f"| {case} | {reason(case, known) or 'unexplained'} |\n" for case in failed)


def main():
    verify, tests, binary = sys.argv[1:4]
    update = "--update" in sys.argv[4:]
    for path in (verify, tests, binary):
        if not os.path.exists(path):
            sys.exit(f"score.py: {path} is not there, so nothing is known of the conformance")
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        said = run(verify, [tests, "--bin", binary, "--json", report, "--show", "0"])
        with open(report) as file:
            results = json.load(file)
    left = next((line[len("not run: "):] for line in said.splitlines() if line.startswith("not run: ")), "none")
    print(said.strip())
    groups, known = reasons()
    now = {case for case, faults in results.items() if not faults}
    unexplained = [case for case in sorted(results) if results[case] and group(case) in groups and not reason(case, known)]
    text = render(results, left, groups, known)
    if update:
        with open(passing, "w") as file:
            file.write("# Cases that pass, written by score.py --update.\n" + "".join(f"{case}\n" for case in sorted(now)))
        with open(document, "w") as file:
            file.write(text)
    before = set(words(passing))
    for case in sorted(before - now):
        print(f"FAILED  {case}: passed before; now {results.get(case, ['it is gone'])[0]}")
    for case in sorted(now - before):
        print(f"FAILED  {case}: passes and is not listed; run this with --update")
    for case in unexplained:
        print(f"FAILED  {case}: no reason in reasons.txt; {results[case][0]}")
    with open(document) as file:
        if file.read() != text:
            print("FAILED  CONFORMANCE.md does not say what is so; run this with --update")
            sys.exit(1)
    sys.exit(bool(before != now or unexplained))


main()
