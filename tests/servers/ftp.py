"""An FTP server that keeps its promises, or breaks those that it is told to break.

    ftp.py PORT ROOT USER PASSWORD [FAULT[=VALUE]]...

What it does is told line by line on standard output: `login`, `list FOLDER`, `stored BYTES NAME`, `sent BYTES NAME`.
"""

import errno
import os
import sys

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

PORT, ROOT, USER, PASSWORD = sys.argv[1:5]
FAULTS = dict(fault.partition("=")[::2] for fault in sys.argv[5:])


def number(fault):
    """None where there is no such fault."""
    return int(FAULTS[fault]) if fault in FAULTS else None


def once(fault):
    """Whether it is to happen now: the first time only, over restarts too."""
    mark = os.path.join(ROOT, os.pardir, fault)
    if fault not in FAULTS or os.path.exists(mark):
        return False
    open(mark, "w").close()
    return True


def say(*words):
    print(*words, flush=True)


class Stored:
    """A file that is written to, with its faults."""

    def __init__(self, file):
        self.file, self.name, self.closed, self.written = file, file.name, False, 0

    def write(self, data):
        if self.written == 0 and ("flips-a-bit" in FAULTS or once("flips-a-bit-once")):
            data = bytes([data[0] ^ 1]) + data[1:]
        self.written += len(data)
        if "loses-the-end" in FAULTS:
            data = data[:-1]
        self.file.write(data)
        self.file.flush()

    def close(self):
        self.closed = True
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


class Sent:
    """A file that is read from, with its faults."""

    def __init__(self, file):
        self.file, self.name, self.closed, self.given = file, file.name, False, 0

    def read(self, size=-1):
        for fault, fails in ("ends-early", False), ("fails-at", True):
            most = number(fault)
            if most is not None and self.given >= most:
                if not fails:
                    return b""
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            if most is not None:
                size = min(size, most - self.given)
        data = self.file.read(size)
        self.given += len(data)
        return data

    def close(self):
        self.closed = True
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


class Files(AbstractedFS):
    def open(self, filename, mode):
        return (Sent if mode == "rb" else Stored)(super().open(filename, mode))

    def rename(self, src, dst):
        if "keeps-what-is-there" in FAULTS and os.path.exists(dst):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        super().rename(src, dst)

    def getmtime(self, path):
        return super().getmtime(path) + (number("clock-ahead") or 0)

    def stat(self, path):
        return self.shifted(super().stat(path))

    def lstat(self, path):
        return self.shifted(super().lstat(path))

    @staticmethod
    def shifted(found):
        ahead = number("clock-ahead") or 0
        return os.stat_result(found[:8] + (found[8] + ahead,) + found[9:])


class Data(TLS_DTPHandler if "tls" in FAULTS else DTPHandler):
    def handle_read(self):
        super().handle_read()
        quota = number("quota")
        if quota is not None and self.receive and self.tot_bytes_received > quota:
            self._resp = ("552 Quota exceeded.", say)
            self.close()
        cut = number("cuts-upload")
        if cut is not None and self.receive and self.tot_bytes_received >= cut and once("cuts-upload"):
            # As a router that forgot both connections.
            self._resp = ()
            self.close()
            self.cmd_channel.close()

    if "tls" not in FAULTS:
        handle_read_event = handle_read

    def close(self):
        if not self._closed and self.file_obj is not None:
            way = "stored" if self.receive else "sent"
            say(way, self.get_transmitted_bytes(), os.path.basename(self.file_obj.name))
        if not self._closed and self._resp and "answers-twice" in FAULTS and self._resp[0].startswith("426"):
            self.cmd_channel.respond(self._resp[0])
            self._resp = ("226 And that was all.", self._resp[1])
        super().close()


class Control(TLS_FTPHandler if "tls" in FAULTS else FTPHandler):
    dtp_handler = Data
    abstracted_fs = Files
    use_sendfile = False
    auth_failed_timeout = 0
    banner = "Ready"

    def handle(self):
        if "implicit" in FAULTS:
            self.secure_connection(self.ssl_context)
        else:
            super().handle()

    def handle_ssl_established(self):
        if "implicit" in FAULTS:
            super().handle()

    def pre_process_command(self, line, cmd, arg):
        if FAULTS.get("odd-answer-to") == cmd:
            self.push("What?\r\n")
            return
        if "repeats-what-is-wrong" in FAULTS and cmd == "PASS" and arg != PASSWORD:
            self.respond("530 I do not understand: %s" % line)
            return
        super().pre_process_command(line, cmd, arg)

    def on_login(self, username):
        say("login")

    def ftp_STOR(self, file, mode="w"):
        if "stores-nothing" in FAULTS:
            self.respond("550 Not enough privileges.")
            return None
        if "without-store-restart" in FAULTS and self._restart_position:
            # As ProFTPD by its defaults.
            self._restart_position = 0
            self.respond("451 %s: Append/Restart not permitted, try again" % os.path.basename(file))
            return None
        if "overwrites-nothing" in FAULTS and os.path.exists(file):
            self.respond("550 Overwrite permission denied")
            return None
        return super().ftp_STOR(file, mode)

    def ftp_DELE(self, path):
        if "deletes-nothing" in FAULTS:
            self.respond("550 Not enough privileges.")
            return None
        return super().ftp_DELE(path)

    def ftp_CWD(self, path):
        if once("dies-in-clear"):
            # As a process whose other half died: past its TLS.
            os.write(self.socket.fileno(), b"500 OOPS: child died\r\n")
            os._exit(1)
        return super().ftp_CWD(path)

    def ftp_RNTO(self, path):
        if once("loses-the-answer"):
            self.fs.rename(self._rnfr, path)
            self.close()
            return None
        return super().ftp_RNTO(path)

    def ftp_LIST(self, path):
        say("list", path)
        return super().ftp_LIST(path)

    def ftp_MLSD(self, path):
        say("list", path)
        if "endless-line" in FAULTS:
            self.push_dtp_data(b"type=file;" * 10000, cmd="MLSD")
        elif "hostile-names" in FAULTS:
            names = FAULTS["hostile-names"].encode().decode("unicode_escape")
            self.push_dtp_data(names.encode(), cmd="MLSD")
        else:
            return super().ftp_MLSD(path)
        return path

    def ftp_FEAT(self, line):
        if "no-features" in FAULTS:
            self.respond("211 No features.")
            return None
        return super().ftp_FEAT(line)


Control.proto_cmds = Control.proto_cmds.copy()
for command in FAULTS.get("without", "").split("+"):
    Control.proto_cmds.pop(command, None)

Control.authorizer = DummyAuthorizer()
Control.authorizer.add_user(USER, PASSWORD, ROOT, perm=FAULTS.get("rights", "elradfmwMT"))
if "address" in FAULTS:
    Control.masquerade_address = FAULTS["address"]
if "tls" in FAULTS:
    Control.certfile = FAULTS["tls"]
    Control.tls_control_required = Control.tls_data_required = True
    Control.ssl_options = SSL.OP_NO_COMPRESSION | (SSL.OP_NO_TLSv1_3 if "tls12" in FAULTS else 0)

host = FAULTS.get("host", "127.0.0.1")
server = FTPServer((host, int(PORT)), Control)
server.max_cons_per_ip = number("most-connections") or 0
server.serve_forever()
