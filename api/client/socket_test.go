package client

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"hezuo/fault"
	"hezuo/realtime"
)

// peer is the server's end of a connection, as a test plays it.
type peer struct {
	t  *testing.T
	ws *websocket.Conn
}

// want reads a request and checks what it asks for.
func (p peer) want(do realtime.Do, room string, since int64) realtime.Request {
	p.t.Helper()
	_, frame, err := p.ws.ReadMessage()
	if err != nil {
		p.t.Errorf("waiting for %s: %v", do, err)
		return realtime.Request{}
	}
	r, err := realtime.DecodeRequest(frame)
	if err != nil || r.Do != do || r.Room != room || do == realtime.DoJoin && (r.Since == nil || *r.Since != since) {
		p.t.Errorf("got %s, want %s of %s since %d (%v)", frame, do, room, since, err)
	}
	return r
}

func (p peer) send(frame []byte, err error) {
	p.t.Helper()
	if err == nil {
		err = p.ws.WriteMessage(websocket.TextMessage, frame)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// joined answers a join with entries of these numbers.
func (p peer) joined(r realtime.Request, more bool, numbers ...int64) {
	p.t.Helper()
	entries := []realtime.Entry{}
	for _, n := range numbers {
		entries = append(entries, realtime.Entry{N: n, Kind: "say"})
	}
	p.send(realtime.EncodeAnswer(r.ID, map[string]any{"room": r.Room, "entries": entries, "more": more}))
}

func (p peer) push(room string, n int64) {
	p.t.Helper()
	p.send(realtime.EncodePush(realtime.Push{Push: "room", Log: room, N: n, Kind: "say"}))
}

// end waits until the client is gone.
func (p peer) end() {
	for {
		if _, _, err := p.ws.ReadMessage(); err != nil {
			return
		}
	}
}

// newSocket opens a socket to a server whose connections are played in turn; the
// last one is played for all that follow.
func newSocket(t *testing.T, plays ...func(peer)) *Socket {
	t.Helper()
	var n atomic.Int64
	var up websocket.Upgrader
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			write(w, http.StatusOK, map[string]string{"socket_url": "/v1/socket?ticket=t"})
			return
		}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = ws.Close() }()
		plays[min(int(n.Add(1)), len(plays))-1](peer{t, ws})
	})
	s, err := c.Socket(briefly(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func numbers(l *Log) []int64 {
	var out []int64
	for _, e := range l.Entries() {
		out = append(out, e.N)
	}
	return out
}

func reaches(n int64) func(realtime.Entry) bool {
	return func(e realtime.Entry) bool { return e.N == n }
}

// TestSocketComesBack loses the connection with a request under way: the next one
// joins from the last entry, and gets the request again under the same id.
func TestSocketComesBack(t *testing.T) {
	ids := make(chan string, 2)
	s := newSocket(t, func(p peer) {
		p.joined(p.want(realtime.DoJoin, "h1", 0), false, 1, 2)
		ids <- p.want(realtime.DoSay, "h1", 0).ID
	}, func(p peer) {
		p.joined(p.want(realtime.DoJoin, "h1", 2), false, 3)
		r := p.want(realtime.DoSay, "h1", 0)
		ids <- r.ID
		p.push("h1", 3) // known already
		p.push("h1", 4)
		p.push("another", 1)
		p.send(realtime.EncodeAnswer(r.ID, map[string]int{"n": 4}))
		p.end()
	})
	ctx := briefly(t)
	log, err := s.Follow(ctx, "h1", 0)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Do(ctx, realtime.DoSay, "h1", map[string]string{"text": "hello"})
	if err != nil || string(answer) != `{"n":4}` {
		t.Fatalf("%s %v", answer, err)
	}
	if _, err := log.Wait(ctx, reaches(4)); err != nil {
		t.Fatal(err)
	}
	if first, second := <-ids, <-ids; first != second || first == "" {
		t.Errorf("ids %q and %q", first, second)
	}
	if got := numbers(log); !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Error(got)
	}
}

// TestSocketFillsGaps asks for what an answer left out, and for what a push shows to
// be missing.
func TestSocketFillsGaps(t *testing.T) {
	s := newSocket(t, func(p peer) {
		p.joined(p.want(realtime.DoJoin, InboxRoom, 5), true, 6, 7)
		p.joined(p.want(realtime.DoJoin, InboxRoom, 7), false, 8)
		p.push(InboxRoom, 11)
		p.joined(p.want(realtime.DoJoin, InboxRoom, 8), false, 9, 10, 11)
		p.push(InboxRoom, 12)
		p.end()
	})
	ctx := briefly(t)
	log, err := s.Follow(ctx, InboxRoom, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Wait(ctx, reaches(12)); err != nil {
		t.Fatal(err)
	}
	if got := numbers(log); !slices.Equal(got, []int64{6, 7, 8, 9, 10, 11, 12}) {
		t.Error(got)
	}
}

func TestSocketRefusals(t *testing.T) {
	s := newSocket(t, func(p peer) {
		r := p.want(realtime.DoJoin, "h1", 0)
		p.send(realtime.EncodeError(r.ID, fault.New(fault.NotFound, "no such document")), nil)
		r = p.want(realtime.DoAccept, "h1", 0)
		p.send(realtime.EncodeError(r.ID, fault.Field("hash", "none", "send one")), nil)
		p.end()
	})
	ctx := briefly(t)
	var p *Problem
	if _, err := s.Follow(ctx, "h1", 0); !errors.As(err, &p) || p.Code != fault.NotFound {
		t.Error(err)
	}
	if _, err := s.Do(ctx, realtime.DoAccept, "h1", nil); !errors.As(err, &p) || p.Code != fault.Invalid || p.Errors["hash"].Fix != "send one" {
		t.Error(err)
	}
}

// TestSocketStaysAway obeys a server that wants the client no more, and tells all
// who wait.
func TestSocketStaysAway(t *testing.T) {
	s := newSocket(t, func(p peer) {
		p.joined(p.want(realtime.DoJoin, "h1", 0), false)
		p.want(realtime.DoPing, "", 0)
		bye := websocket.FormatCloseMessage(int(realtime.CloseNotAllowed), "not_allowed:never")
		_ = p.ws.WriteMessage(websocket.CloseMessage, bye)
		p.end()
	})
	ctx := briefly(t)
	log, err := s.Follow(ctx, "h1", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(ctx, realtime.DoPing, "", nil); !websocket.IsCloseError(errors.Unwrap(err), int(realtime.CloseNotAllowed)) {
		t.Error(err)
	}
	if _, err := log.Wait(ctx, reaches(1)); err == nil || ctx.Err() != nil {
		t.Error(err)
	}
	if _, err := s.Do(ctx, realtime.DoPing, "", nil); err == nil || ctx.Err() != nil {
		t.Error(err)
	}
	if _, err := s.Follow(ctx, "h2", 0); err == nil || ctx.Err() != nil {
		t.Error(err)
	}
}

// TestSocketClose ends what waits, and a request whose caller has gone leaves
// nothing behind.
func TestSocketClose(t *testing.T) {
	s := newSocket(t, func(p peer) { p.end() })
	gone, cancel := context.WithCancel(briefly(t))
	cancel()
	if _, err := s.Do(gone, realtime.DoPing, "", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.mu.Lock()
	left := len(s.pending)
	s.mu.Unlock()
	if left != 0 {
		t.Errorf("%d requests are left", left)
	}
	s.Close()
	if _, err := s.Do(briefly(t), realtime.DoPing, "", nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestBackOf reads what to do from a close frame's text, or from its code.
func TestBackOf(t *testing.T) {
	for _, c := range []struct {
		end  error
		want realtime.Back
	}{
		{errors.New("it broke"), realtime.BackNow},
		{&websocket.CloseError{Code: 4999, Text: "new:later"}, realtime.BackLater},
		{&websocket.CloseError{Code: 4999}, realtime.BackNow},
		{&websocket.CloseError{Code: 1001}, realtime.BackNow},
		{&websocket.CloseError{Code: 4001}, realtime.BackSignIn},
	} {
		if got := backOf(c.end); got != c.want {
			t.Errorf("%v: %s, want %s", c.end, got, c.want)
		}
	}
}
