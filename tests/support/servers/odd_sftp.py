"""SFTP version 3 over standard input and output, as a subsystem of sshd, with the faults that its arguments name.

It writes a line for every request to the file of its first argument: what was asked, and how much.
"""

import os
import stat
import struct
import sys

LOG = open(sys.argv[1], "a", buffering=1)
FAULTS = set(sys.argv[2:])
OK, EOF, MISSING, DENIED, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8
YEAR = 365 * 86400
HARDLINK = b"hardlink@openssh.com"

handles = {}
written = set()
listed = set()
ended = set()


def once(act):
    """The end of this session; later ones do not come to it."""
    if not os.path.exists(LOG.name + ".once"):
        open(LOG.name + ".once", "w").close()
        act()
        sys.exit(0)


def read_exactly(length):
    data = sys.stdin.buffer.read(length)
    if len(data) < length:
        sys.exit(0)
    return data


def send(kind, payload):
    sys.stdout.buffer.write(struct.pack(">IB", len(payload) + 1, kind) + payload)
    sys.stdout.buffer.flush()


def text(data):
    return struct.pack(">I", len(data)) + data


def status(id, code, words=b"", kind=101):
    send(kind, struct.pack(">II", id, code) + text(words) + text(b""))


def attrs(found):
    if found is None:
        return struct.pack(">I", 0)
    ahead = YEAR if "clock-ahead" in FAULTS else 0
    mtime = int(found.st_mtime) + ahead
    return struct.pack(">IQIII", 0x1 | 0x4 | 0x8, found.st_size, found.st_mode, mtime, mtime)


class Packet:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form=">I"):
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        length = self.number()
        self.at += length
        return self.data[self.at - length : self.at]

    def mode(self):
        flags = self.number()
        if flags & 0x1:
            self.number(">Q")
        if flags & 0x2:
            self.number(), self.number()
        return self.number() if flags & 0x4 else None


def opened(what):
    handle = b"h%d" % len(handles)
    handles[handle] = what
    return text(handle)


def names(path):
    if path in listed and "endless" not in FAULTS:
        return None
    listed.add(path)
    entries = [(name, os.lstat(os.path.join(path, name))) for name in os.listdir(path)]
    if "hostile-names" in FAULTS:
        bad = [b"..", b".", b"", b"a/../../b", b"/etc", b"tacacs-0a1b2c3d/manual", b"x\x1b[31m", b"\xff\xfe", b"y\n", b"z" * 5000]
        bad += [b"backup-tacacs-20260101-000099-manual.tar.gz.age", b"backup-tacacs-99999999-999999-manual.tar.gz.age"]
        folder = os.lstat(path)
        entries += [(name, folder) for name in bad] + entries
    if "bare-names" in FAULTS:
        entries = [(name, None) for name, _ in entries]
    return entries


def answer(kind, id, packet):
    if kind == 3:
        path, flags, mode = packet.text(), packet.number(), packet.mode()
        LOG.write("open %s\n" % ("read" if flags == 1 else "write"))
        if "hidden" in FAULTS and flags == 1 and path in written:
            return status(id, MISSING)
        how = (os.O_RDWR if flags & 3 == 3 else os.O_WRONLY if flags & 2 else os.O_RDONLY) | os.O_NOFOLLOW
        how |= (os.O_CREAT if flags & 0x8 else 0) | (os.O_TRUNC if flags & 0x10 else 0) | (os.O_EXCL if flags & 0x20 else 0)
        file = os.open(path, how, 0o666)
        if flags & 2:
            written.add(path)
        return send(102, struct.pack(">I", id) + opened((file, path)))
    if kind == 4:
        what = handles.pop(packet.text())
        if what[0] is not None:
            os.close(what[0])
            written.discard(what[1])
        return status(id, FAILURE if "close-fails" in FAULTS and what[0] is not None else OK)
    if kind == 5:
        (file, _), offset, length = handles[packet.text()], packet.number(">Q"), packet.number()
        LOG.write("read %d %d\n" % (offset, length))
        if "short-reads" in FAULTS:
            length = min(length, 1000)
        data = os.pread(file, length, offset)
        if "long-reads" in FAULTS:
            data += b"more"
        return send(103, struct.pack(">I", id) + text(data)) if data else status(id, EOF)
    if kind == 6:
        (file, _), offset, data = handles[packet.text()], packet.number(">Q"), packet.text()
        LOG.write("write %d %d\n" % (offset, len(data)))
        if "writes-fail" in FAULTS and offset > 100000:
            return status(id, FAILURE, b"quota \x1b[31mexceeded")
        if "flips-a-bit" in FAULTS and offset > 0:
            data = data[:-1] + bytes([data[-1] ^ 1])
        os.pwrite(file, data, offset)
        if "loses-power" in FAULTS and offset > 300000:
            once(lambda: os.pwrite(file, b"\0" * 1000, 200000))
        return status(id, OK)
    if kind in (7, 17):
        path = packet.text()
        found = os.lstat(path) if kind == 7 else os.stat(path)
        LOG.write("look\n")
        return send(105, struct.pack(">I", id) + attrs(found))
    if kind == 8:
        return send(105, struct.pack(">I", id) + attrs(os.fstat(handles[packet.text()][0])))
    if kind == 10:
        file, mode = handles[packet.text()][0], packet.mode()
        os.fchmod(file, mode & 0o777)
        return status(id, OK)
    if kind == 11:
        path = packet.text()
        os.listdir(path)
        listed.discard(path)
        ended.discard(path)
        return send(102, struct.pack(">I", id) + opened((None, path)))
    if kind == 12:
        path = handles[packet.text()][1]
        if "end-first" in FAULTS and path not in ended:
            ended.add(path)
            return status(id, EOF)
        entries = names(path)
        if not entries:
            return status(id, EOF)
        body = b"".join(text(name) + text(b"") + attrs(found) for name, found in entries)
        return send(104, struct.pack(">II", id, len(entries)) + body)
    if kind == 13:
        if "deletes-nothing" in FAULTS:
            return status(id, DENIED)
        os.unlink(packet.text())
        return status(id, OK)
    if kind == 14:
        path, mode = packet.text(), packet.mode()
        os.mkdir(path, mode & 0o777)
        return status(id, OK)
    if kind == 15:
        os.rmdir(packet.text())
        return status(id, OK)
    if kind == 18:
        old, new = packet.text(), packet.text()
        LOG.write("rename\n")
        os.rename(old, new)
        if "loses-acknowledgement" in FAULTS:
            once(lambda: None)
        return status(id, OK)
    if kind == 200 and packet.text() == HARDLINK and "hardlink" in FAULTS:
        old, new = packet.text(), packet.text()
        LOG.write("link\n")
        os.link(old, new)
        return status(id, OK)
    return status(id, UNSUPPORTED)


while True:
    (length,) = struct.unpack(">I", read_exactly(4))
    packet = Packet(read_exactly(length))
    kind = packet.number(">B")
    if kind == 1:
        send(2, struct.pack(">I", 3) + (text(HARDLINK) + text(b"1") if "hardlink" in FAULTS else b""))
        continue
    id = packet.number()
    try:
        answer(kind, id, packet)
    except FileNotFoundError:
        status(id, MISSING)
    except PermissionError:
        status(id, DENIED)
    except OSError as error:
        status(id, FAILURE, str(error.strerror).encode())
