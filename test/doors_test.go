package test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"hezuo/api/client"
	"hezuo/fault"
	"hezuo/realtime"
)

// TestDoorsBesideTheAPI asks for what is not in the OpenAPI document.
func TestDoorsBesideTheAPI(t *testing.T) {
	t.Parallel()
	s := newPremises(t).serve()
	for path, holds := range map[string]string{
		"/healthz":                         "ok",
		"/readyz":                          "ready",
		"/.well-known/jwks.json":           `"keys":[{`,
		"/.well-known/agreement-keys.json": `"keys":[{`,
		"/openapi.json":                    `"openapi":"3.1`,
		"/openapi.yaml":                    "openapi: 3.1",
	} {
		a := s.ask(request{method: "GET", path: path})
		if a.status != http.StatusOK || !strings.Contains(string(a.body), holds) {
			t.Errorf("%s: %d %s", path, a.status, a.body[:min(len(a.body), 200)])
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
	var keys struct {
		Keys []map[string]any `json:"keys"`
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/agreement-keys.json"} {
		if err := json.Unmarshal(s.ask(request{method: "GET", path: path}).body, &keys); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys.Keys {
			if k["d"] != nil || k["x"] == nil || k["kid"] == nil {
				t.Errorf("%s publishes %v", path, k)
			}
		}
	}
	for _, path := range []string{"/", "/docs", "/v1", "/v1/", "/v1/nothing", "/v1/jobs/", "/V1/markets", "/healthz/", "/debug/pprof/", "/metrics"} {
		if a := s.ask(request{method: "GET", path: path}); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	s.stop()
}

// TestSocketDoor opens websockets as nobody should be able to.
func TestSocketDoor(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	who := c.by["employer"]
	ticket := func() string {
		return read[struct {
			Ticket string `json:"ticket"`
		}](t, c.ask(request{method: "POST", path: "/v1/me/socket-tickets", token: who.token()})).Ticket
	}
	dial := func(ticket, origin string) int {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+c.address()+"/v1/socket?ticket="+ticket, header)
		if res == nil {
			t.Fatal(err)
		}
		_ = res.Body.Close() // of a refusal; gorilla has read what there is
		if err == nil {
			_ = ws.Close()
		} else if res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("a handshake is refused with %s", res.Header.Get("Content-Type"))
		}
		return res.StatusCode
	}
	good := ticket()
	for _, try := range []struct {
		name, ticket, origin string
		want                 int
	}{
		{"no ticket", "", "", 401},
		{"an access token in place of a ticket", who.token(), "", 401},
		{"a page of another site", ticket(), "https://evil.example", 403},
		{"a page of another port", ticket(), "http://127.0.0.1:1", 403},
		{"a page without an origin of its own", ticket(), "null", 403},
		{"our own page", ticket(), "http://" + c.address(), 101},
		{"no page", good, "", 101},
		{"a ticket used before", good, "", 401},
	} {
		if got := dial(try.ticket, try.origin); got != try.want {
			t.Errorf("%s: %d, not %d", try.name, got, try.want)
		}
	}
	if a := c.ask(request{method: "GET", path: "/v1/socket?ticket=" + ticket()}); a.status != http.StatusBadRequest {
		t.Errorf("a plain request for the socket: %d %s", a.status, a.body)
	}
	if a := c.ask(request{method: "GET", path: "/v1/me", token: ticket()}); a.status != http.StatusUnauthorized {
		t.Errorf("a ticket in place of an access token: %d %s", a.status, a.body)
	}
	c.rooms(t)
	c.stop()
	c.check()
}

// rooms has everybody try to get into a room, and to act in it.
func (c *cast) rooms(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := c.negotiating()
	offered := c.invited()["handshake"]
	for _, try := range []struct {
		role, room string
		do         realtime.Do
		body       any
		want       fault.Code // empty: it may
	}{
		{"employer", d["handshake"], realtime.DoJoin, nil, ""},
		{"cooperative", d["handshake"], realtime.DoJoin, nil, ""},
		{"auditor", d["handshake"], realtime.DoJoin, nil, ""},
		{"person", d["handshake"], realtime.DoJoin, nil, fault.NotFound},
		{"stranger", d["handshake"], realtime.DoJoin, nil, fault.NotFound},
		{"agency", d["handshake"], realtime.DoJoin, nil, fault.NotFound},
		{"operator", d["handshake"], realtime.DoJoin, nil, fault.NotFound}, // comes in only when asked
		{"operator of another market", d["handshake"], realtime.DoJoin, nil, fault.NotFound},
		{"admin", d["handshake"], realtime.DoJoin, nil, fault.NotFound},
		{"employer", offered, realtime.DoJoin, nil, fault.Conflict}, // there is no room yet
		{"employer", "h-of-nobody", realtime.DoJoin, nil, fault.NotFound},
		{"stranger", d["handshake"], realtime.DoSay, body{"text": "你好"}, fault.NotFound},
		{"auditor", d["handshake"], realtime.DoSay, body{"text": "你好"}, fault.Forbidden},
		{"stranger", d["handshake"], realtime.DoAccept, body{"hash": d["hash"]}, fault.NotFound},
		{"auditor", d["handshake"], realtime.DoAccept, body{"hash": d["hash"]}, fault.Forbidden},
		{"stranger", d["handshake"], realtime.DoPropose, body{"after": d["hash"], "terms": decoded(d["terms"])}, fault.NotFound},
		{"stranger", d["handshake"], realtime.DoWithdraw, body{"reason": "行情有变"}, fault.NotFound},
		{"operator", d["handshake"], realtime.DoWithdraw, body{"reason": "行情有变"}, fault.Forbidden},
		{"employer", d["handshake"], realtime.Do("shout"), nil, fault.Invalid},
		{"employer", d["handshake"], realtime.DoSay, body{"text": " "}, fault.Invalid},
		{"employer", d["handshake"], realtime.DoSay, body{"text": "你好", "as": "owner"}, fault.Invalid},
		{"cooperative", d["handshake"], realtime.DoSay, body{"text": "你好"}, ""},
		{"cooperative", d["handshake"], realtime.DoAccept, body{"hash": d["hash"]}, ""},
	} {
		socket, err := c.by[try.role].c.Socket(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, err = socket.Do(ctx, try.do, try.room, try.body)
		socket.Close()
		var p *client.Problem
		switch refused := errors.As(err, &p); {
		case err != nil && !refused:
			t.Fatalf("%s: %s: %v", try.role, try.do, err)
		case refused && p.Code != try.want:
			t.Errorf("%s: %s is refused with %s, not %q: %v", try.role, try.do, p.Code, try.want, err)
		case !refused && try.want != "":
			t.Errorf("%s: %s is not refused", try.role, try.do)
		}
	}
	c.signedOut(ctx, t, d["handshake"])
}

// signedOut sees that a socket does nothing for a session that was ended.
func (c *cast) signedOut(ctx context.Context, t *testing.T, room string) {
	t.Helper()
	again := c.again(c.by["employer"])
	socket, err := again.c.Socket(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := again.c.SignOut(ctx); err != nil {
		t.Fatal(err)
	}
	var end *websocket.CloseError
	if _, err := socket.Do(ctx, realtime.DoSay, room, body{"text": "还在吗"}); !errors.As(err, &end) || end.Code != int(realtime.CloseSessionEnded) {
		t.Errorf("a socket whose session was ended answers: %v", err)
	}
}
