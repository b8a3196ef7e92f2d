#!/usr/bin/env python3
"""compare.py SURICATA CORPORA BINARY [--update] [--only WORD]: alerts of Suricata and of fastpath over the captures of CORPORA with ET Open.

SURICATA is the folder that suricata.sh has unpacked, BINARY is fastpath. Each capture is read by itself, with the settings in the README
of CORPORA; only rules that both can use are compared. Differences are printed, and summed up in PARITY.md, which --update writes anew;
reasons.txt beside this script says of each why it is. Suricata's results are kept under target/parity/results, by its version and the
rules. --only takes the captures with WORD in their name and leaves PARITY.md alone.
"""
import collections, concurrent.futures, hashlib, json, os, re, socket, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
project = os.path.normpath(os.path.join(here, "../../.."))
document = os.path.join(project, "PARITY.md")
results = os.path.join(project, "target/parity/results")
# Suricata crashes now and then.
ATTEMPTS = 3
# Seconds until a start or a capture is taken for stuck.
PATIENCE = 300


class Suricata:
    """A Suricata that reads one capture after the other; it takes them on a Unix socket, so that rules are loaded once."""

    def __init__(self, root, rules, classes, folder):
        self.root, self.rules, self.classes, self.folder = root, rules, classes, folder
        self.process = self.connection = None

    def start(self):
        self.end()
        path, etc = os.path.join(self.folder, "socket"), os.path.join(self.root, "etc/suricata")
        if os.path.exists(path):
            os.remove(path)
        settings = {
            "classification-file": self.classes,
            "reference-config-file": os.path.join(etc, "reference.config"),
            "magic-file": "/usr/share/file/magic.mgc",
            # The second output is eve-log; fast.log has a line for each alert, which is all that is asked for here.
            "outputs.1.eve-log.enabled": "no",
        }
        command = [os.path.join(self.root, "usr/bin/suricata"), "-c", os.path.join(etc, "suricata.yaml"), "-S", self.rules, "-k", "none",
                   f"--unix-socket={path}", "-l", self.folder, *(word for pair in settings.items() for word in ("--set", "=".join(pair)))]
        library = ":".join(os.path.join(self.root, name) for name in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
        log = open(os.path.join(self.folder, "output"), "w")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "LD_LIBRARY_PATH": library})
        log.close()
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.connection = socket.socket(socket.AF_UNIX)
                self.connection.settimeout(PATIENCE)
                self.connection.connect(path)
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    with open(os.path.join(self.folder, "output")) as said:
                        sys.exit(f"parity: Suricata does not start ({self.process.poll()}): {said.read()[-2000:]}")
                time.sleep(0.1)
        self.ask({"version": "0.2"})

    def end(self):
        if self.process:
            self.connection.close()
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, question):
        self.connection.sendall(json.dumps(question).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.connection.recv(65536)
            if not part:
                raise ConnectionError("Suricata has gone")
            answer += part
        answer = json.loads(answer)
        if answer.get("return") != "OK":
            raise ConnectionError(str(answer))
        return answer.get("message")

    def read(self, capture):
        """Alerts of a capture: sid -> count."""
        for attempt in range(ATTEMPTS):
            try:
                if not self.process:
                    self.start()
                return self.try_to_read(capture)
            except OSError as error:
                code = self.process.poll() if self.process else None
                print(f"parity: Suricata failed on {capture} (attempt {attempt + 1}, exit status {code}): {error}", file=sys.stderr)
                self.end()
        sys.exit(f"parity: Suricata failed {ATTEMPTS} times on {capture}")

    def try_to_read(self, capture):
        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            self.ask({"command": "pcap-file", "arguments": {"filename": capture, "output-dir": out}})
            end = time.monotonic() + PATIENCE
            while self.ask({"command": "pcap-file-number"}) or self.ask({"command": "pcap-current"}) != "None":
                if time.monotonic() > end:
                    raise ConnectionError("it does not come to an end")
                time.sleep(0.01)
            log = os.path.join(out, "fast.log")
            if not os.path.exists(log):
                raise ConnectionError("it has not read the capture")
            with open(log, errors="replace") as lines:
                found = (re.search(r"\[\*\*\] \[1:(\d+):\d+\]", line) for line in lines)
                return dict(collections.Counter(int(match[1]) for match in found if match))

    def failed(self):
        """Sids of the rules that it cannot use, as its log has them."""
        with open(os.path.join(self.folder, "suricata.log"), errors="replace") as log:
            bad = [line for line in log if "error parsing signature" in line]
        return {int(match[1]) for match in (re.search(r"\bsid:\s*(\d+)", line) for line in bad) if match}


def of_suricata(root, rules, classes, captures):
    """Its failed rules, and by capture its alerts."""
    with open(os.path.join(root, "version")) as file:
        version = file.read().strip()
    with open(rules, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    cache = os.path.join(results, re.sub(r"[^\w.~+-]", "_", version) + "-" + digest)
    os.makedirs(cache, exist_ok=True)
    known = lambda name: os.path.join(cache, name.replace("/", "__") + ".json")

    def keep(name, value):
        with open(known(name) + ".new", "w") as file:
            json.dump(value, file)
        os.rename(known(name) + ".new", known(name))

    missing = [name for name in captures if not os.path.exists(known(name))]
    if missing or not os.path.exists(known("failed")):
        with tempfile.TemporaryDirectory() as folder:
            suricata = Suricata(root, rules, classes, folder)
            try:
                suricata.start()
                keep("failed", sorted(suricata.failed()))
                for number, name in enumerate(missing):
                    keep(name, suricata.read(captures[name]))
                    if number % 100 == 99:
                        print(f"parity: Suricata has read {number + 1} of {len(missing)} captures", file=sys.stderr)
            finally:
                suricata.end()

    def load(name):
        with open(known(name)) as file:
            return json.load(file)

    alerts = {name: {int(sid): count for sid, count in load(name).items()} for name in captures}
    return version, set(load("failed")), alerts


def of_fastpath(binary, rules, captures):
    """Its failed rules, and by capture its alerts."""
    checked = subprocess.run([binary, "check", "-S", rules, "--json"], stdout=subprocess.PIPE)
    if checked.returncode not in (0, 1):
        sys.exit(f"parity: fastpath check ended with status {checked.returncode}")
    failed = {rule["sid"] for rule in json.loads(checked.stdout)["failed"]}

    def read(capture):
        with tempfile.TemporaryDirectory() as out:
            command = [binary, "replay", "-r", capture, "-S", rules, "-k", "none", "-l", out, "--set", "outputs.eve-log.types=alert"]
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if done.returncode:
                # The last word is the error; before it come the rules that were left out.
                return f"exit status {done.returncode}: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
            with open(os.path.join(out, "eve.json")) as events:
                return dict(collections.Counter(json.loads(line)["alert"]["signature_id"] for line in events))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return failed, dict(zip(captures, pool.map(read, captures.values())))


def protocols(rules):
    """sid -> the protocol that the rule names."""
    with open(rules, errors="replace") as lines:
        rows = (re.match(r"\w+\s+(\S+)\s.*\bsid:\s*(\d+)", line) for line in lines)
        return {int(row[2]): row[1] for row in rows if row}


def reasons():
    with open(os.path.join(here, "reasons.txt")) as lines:
        split = (line.strip().partition(": ") for line in lines if line.strip() and not line.startswith("#"))
        return {tuple(place.split()): text for place, _, text in split}


def render(version, protocol, both, differences, equal, unread, failed):
    rows = collections.defaultdict(collections.Counter)
    for sid in protocol:
        rows[protocol[sid]]["rules"] += 1
        rows[protocol[sid]]["both"] += sid in both
    for _, sid, *_ in equal:
        rows[protocol[sid]]["equal"] += 1
    for _, sid, theirs, ours, why in differences:
        rows[protocol[sid]]["fewer" if ours < theirs else "more"] += 1
        rows[protocol[sid]]["unexplained"] += why is None
    keys = ("rules", "both", "equal", "fewer", "more", "unexplained")
    total = collections.Counter()
    for row in rows.values():
        total.update(row)
    line = lambda name, row: f"| {name} | " + " | ".join(str(row[key]) for key in keys) + " |\n"
    table = "".join(line(name, rows[name]) for name in sorted(rows, key=lambda name: (-rows[name]["rules"], name)))
    body = "".join(f"| {protocol[sid]} | {sid} | {name} | {theirs} | {ours} | {why or 'unexplained'} |\n"
                   for name, sid, theirs, ours, why in sorted(differences, key=lambda d: (protocol[d[1]], d[1], d[0])))
    return f"""# Parity

What `make parity` finds: alerts of Suricata {version} and of fastpath with ET Open, over captures that are read one by one. Compared are
the rules that both can use; of the {len(protocol)} rules Suricata cannot use {failed[0]} and fastpath {failed[1]}. A place is a capture and a rule
that either has alerted there. This file is written by `fastpath/tests/parity/compare.py --update`.

| protocol of the rule | rules | compared | places with equal counts | fastpath has fewer | more | unexplained |
|---|--:|--:|--:|--:|--:|--:|
{table}{line("**all**", total)}
Captures that fastpath cannot read: {len(unread)}.

## Places that differ

| protocol | sid | capture | Suricata | fastpath | why |
|---|--:|---|--:|--:|---|
{body}"""


def main():
    root, corpora, binary, *options = sys.argv[1:]
    rules, classes = (os.path.join(corpora, "etopen", name) for name in ("etopen.rules", "classification.config"))
    pcaps = os.path.join(corpora, "pcaps")
    for path in (os.path.join(root, "usr/bin/suricata"), rules, classes, pcaps, binary):
        if not os.path.exists(path):
            sys.exit(f"parity: {path} is not there, so nothing can be compared")
    only = options[options.index("--only") + 1] if "--only" in options else ""
    captures = {}
    for folder, _, files in sorted(os.walk(pcaps)):
        for file in sorted(files):
            path = os.path.join(folder, file)
            name = os.path.relpath(path, pcaps)
            if file.endswith((".pcap", ".pcapng", ".cap")) and only in name:
                captures[name] = os.path.abspath(path)
    if not captures:
        sys.exit(f"parity: no captures in {pcaps}")
    version, they_fail, theirs = of_suricata(root, os.path.abspath(rules), os.path.abspath(classes), captures)
    we_fail, ours = of_fastpath(binary, rules, captures)
    protocol, known = protocols(rules), reasons()
    both = set(protocol) - they_fail - we_fail
    unread = {name: said for name, said in ours.items() if isinstance(said, str)}
    equal, differences = [], []
    for name in captures:
        if name in unread:
            print(f"not read by fastpath: {name}: {unread[name]}")
            continue
        for sid in sorted((set(theirs[name]) | set(ours[name])) & both):
            place = (name, sid, theirs[name].get(sid, 0), ours[name].get(sid, 0))
            if place[2] == place[3]:
                equal.append(place)
            else:
                ways = ((name, str(sid)), ("*", str(sid)), (name, "*"))
                differences.append((*place, next((known[way] for way in ways if way in known), None)))
    for name, sid, suricata, fastpath, why in sorted(differences, key=lambda d: (protocol[d[1]], d[1], d[0])):
        print(f"{protocol[sid]:8} {sid:8} {suricata:6} -> {fastpath:<6} {name}: {why or 'unexplained'}")
    print(f"{len(captures)} captures, {len(both)} of {len(protocol)} rules compared: {len(equal)} places equal, {len(differences)} differ, "
          f"{sum(why is None for *_, why in differences)} of them unexplained; {len(unread)} captures not read")
    if only:
        return
    text = render(version, protocol, both, differences, equal, unread, (len(they_fail), len(we_fail & set(protocol))))
    if "--update" in options:
        with open(document, "w") as file:
            file.write(text)
    elif not os.path.exists(document) or open(document).read() != text:
        sys.exit("FAILED  PARITY.md does not say what is so; run this with --update")


main()
