"""A loopback server that answers like GitHub's REST API over the repository of `world`, with faults on order."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import frozen

from dhash_guard.github.ports import Comment, CommitStatus, State
from unit.github.world import Refused, Repository


@frozen(kw_only=True)
class Fault:
    """What a request meets: `effect` says whether it is done all the same; status 0 drops the connection."""

    status: int = 500
    body: bytes = b'{"message": "Server Error"}'
    headers: tuple[tuple[str, str], ...] = ()
    effect: bool = False
    method: str = ""
    """Only requests with this method meet it, any if empty."""


class Hub:
    """`faults` are met one per request, in order; `asked` is every request that arrived."""

    def __init__(self) -> None:
        self.repository = Repository()
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self.graphql = True
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgement

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                sent = json.loads(self.rfile.read(length) or b"null")
                hub.asked.append(f"{self.command} {self.path}")
                hub.tokens.append(self.headers.get("Authorization", ""))
                fault = hub._fault(self.command)
                if fault and not fault.effect:
                    return self.fail(fault)
                status, headers, body = hub._answer(self.command, self.path, sent)
                if fault:
                    return self.fail(fault)
                return self.reply(status, headers, body)

            def fail(self, fault: Fault) -> None:
                if fault.status:
                    return self.reply(fault.status, dict(fault.headers), fault.body)
                self.close_connection = True
                self.connection.shutdown(2)
                return None

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def count(self, method: str) -> int:
        """How many requests with this method arrived."""
        return sum(asked.startswith(f"{method} ") for asked in self.asked)

    @contextmanager
    def serving(self) -> Iterator[Hub]:
        """Serve in a thread."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _fault(self, method: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in ("", method):
                self.faults.remove(fault)
                return fault
        return None

    def _answer(self, method: str, target: str, sent: Any) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(target)
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items()}
        try:
            status, data = self._route(method, parts.path, sent)
        except Refused as no:
            return no.status, {}, json.dumps({"message": no.message}).encode()
        items = data["statuses"] if isinstance(data, dict) and "statuses" in data else data
        headers = {}
        if method == "GET" and isinstance(items, list):
            size, page = query.get("per_page", 30), query.get("page", 1)
            if page * size < len(items):
                headers["Link"] = f'<{self.url}{parts.path}?page={page + 1}>; rel="next"'
            items[:] = items[(page - 1) * size : page * size]
        return status, headers, b"" if data is None else json.dumps(data).encode()

    def _subject(self, sent: Any) -> dict[str, Any]:
        if "headRefOid" not in sent["query"]:
            return {}
        try:
            pull = self.repository.pull(sent["variables"]["number"])
        except Refused:
            return {"repository": {"pullRequest": None}}
        state = "MERGED" if pull.merged else "OPEN" if pull.open else "CLOSED"
        told = {"headRefOid": pull.head_sha, "state": state, "locked": pull.locked}
        return {"repository": {"pullRequest": told | {"headRepository": {"nameWithOwner": pull.head_repository}}}}

    def _route(self, method: str, path: str, sent: Any) -> tuple[int, Any]:
        there = self.repository
        if path == "/graphql" and self.graphql:
            return 200, {"data": {"viewer": {"login": there.login}} | self._subject(sent)}
        if found := re.fullmatch(r"/repos/o/r/issues/(\d+)/comments", path):
            number = int(found[1])
            if method == "POST":
                return 201, _comment(there.create(number, sent["body"]))
            return 200, [_comment(each) for each in there.listed(number)]
        if found := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", path):
            if method == "DELETE":
                there.delete(int(found[1]))
                return 204, None
            return 200, _comment(there.edit(int(found[1]), sent["body"]))
        if found := re.fullmatch(r"/repos/o/r/pulls/(\d+)", path):
            pull = there.pull(int(found[1]))
            head = {"sha": pull.head_sha, "repo": {"full_name": pull.head_repository}}
            state = "open" if pull.open else "closed"
            return 200, {"head": head, "state": state, "locked": pull.locked, "merged": pull.merged}
        if found := re.fullmatch(r"/repos/o/r/commits/(\w+)/status", path):
            on = [_status(each) for (sha, _), each in there.statuses.items() if sha == found[1]]
            return 200, {"state": "success", "statuses": on, "total_count": len(on)}
        if found := re.fullmatch(r"/repos/o/r/statuses/(\w+)", path):
            wanted = CommitStatus(
                context=sent["context"],
                state=State(sent["state"]),
                description=sent["description"],
                target_url=sent.get("target_url", ""),
            )
            return 201, _status(there.put_status(found[1], wanted))
        raise Refused(404, "Not Found")


def _comment(comment: Comment) -> dict[str, Any]:
    return {
        "id": comment.id,
        "user": {"login": comment.author} if comment.author else None,
        "body": comment.body,
        "html_url": comment.url,
    }


def _status(status: CommitStatus) -> dict[str, Any]:
    return {
        "context": status.context,
        "state": status.state.value,
        "description": status.description or None,
        "target_url": status.target_url or None,
    }
