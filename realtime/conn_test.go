package realtime_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/realtime"
)

type handler = func(context.Context, *realtime.Conn, realtime.Request)

// wire is a site whose sockets are served by the package's loop.
type wire struct {
	*site
	ends  chan realtime.End // of every connection
	conns chan *realtime.Conn
}

func newWire(t testing.TB, o realtime.Options, handle handler) *wire {
	t.Helper()
	w := &wire{ends: make(chan realtime.End, 10_000), conns: make(chan *realtime.Conn, 10_000)}
	o.Opened = func(c *realtime.Conn) { w.conns <- c }
	w.site = newSite(t, &realtime.Upgrader{}, func(_ string, ws *websocket.Conn) {
		w.ends <- realtime.Serve(context.Background(), ws, o, handle)
	})
	return w
}

func answerAll(_ context.Context, c *realtime.Conn, r realtime.Request) {
	frame, err := realtime.EncodeAnswer(r.ID, r.Body)
	if err != nil {
		panic(err)
	}
	_ = c.Send(frame)
}

// await takes what must come.
func await[T any](t testing.TB, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// end takes the next connection's end, which must be with the code.
func (w *wire) end(t testing.TB, code realtime.Code) realtime.End {
	t.Helper()
	end := await(t, w.ends, "the connection's end")
	if end.Code != code {
		t.Errorf("the connection ended as %v, want %v", end, code)
	}
	return end
}

// wantEnd is end where the code says it all.
func (w *wire) wantEnd(t testing.TB, code realtime.Code) {
	t.Helper()
	_ = w.end(t, code)
}

// wantClose reads until the connection ends, which must be with the code and
// its text, and closes it as a browser does.
func wantClose(t testing.TB, ws *websocket.Conn, code realtime.Code) {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if err == nil {
			continue
		}
		var ce *websocket.CloseError
		if !errors.As(err, &ce) || ce.Code != int(code) {
			t.Fatalf("the client saw %v, want %d", err, code)
		}
		if want := code.String() + ":" + string(code.Back()); ce.Text != want && code != realtime.CloseProtocol && code != realtime.CloseTooBig {
			t.Errorf("the close frame says %q, want %q", ce.Text, want)
		}
		_ = ws.Close()
		return
	}
}

// ask sends a request and takes its answer.
func ask(t testing.TB, ws *websocket.Conn) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"ping","body":{"a": 1}}`)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := ws.ReadMessage(); err != nil || string(got) != `{"re":"1","ok":true,"body":{"a":1}}` {
		t.Fatalf("answered %q, %v", got, err)
	}
}

func TestServe(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	ws := w.dial(t)
	ask(t, ws)
	// A refused request is answered, and the connection lives on.
	for sent, want := range map[string]string{
		`{"id":"7","do":"say","rom":"x"}`: `{"re":"7","error":{"code":"invalid","message":"a request has no such field","field":"rom","fix":"send only id, do, room, since and body"}}`,
		`{"do":7,"id":"8"}`:               `{"re":"8","error":{"code":"invalid","message":"do must name an act","field":"do","fix":"send one of join, leave, say, propose, accept, withdraw, read, ping"}}`,
	} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(sent)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
			t.Errorf("%s was answered %s, %v", sent, got, err)
		}
	}
	ask(t, ws)
	if err := ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(3999, "bye")); err != nil {
		t.Fatal(err)
	}
	var ce *websocket.CloseError
	if _, _, err := ws.ReadMessage(); !errors.As(err, &ce) || ce.Code != 3999 {
		t.Errorf("our close was answered with %v", err)
	}
	if end := w.end(t, realtime.CloseNormal); end.PeerCode != 3999 {
		t.Errorf("the server saw %v", end)
	}
	c := await(t, w.conns, "the connection")
	if err := c.Send([]byte("{}")); !errors.Is(err, realtime.ErrClosed) {
		t.Errorf("sending afterwards: %v", err)
	}
	c.Close(realtime.CloseGoingAway) // too late, and harmless
}

// What a client does wrong ends its connection with the code for it, and the
// client sees the code although it has sent more that nobody reads.
func TestCodedEnds(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	big := `{"id":"1","do":"say","body":{"t":"` + strings.Repeat("x", 1<<20) + `"}}`
	for _, tc := range []struct {
		name     string
		kind     int
		frame    string
		compress bool
		code     realtime.Code
	}{
		{"no id", websocket.TextMessage, `{"do":"say"}`, false, realtime.CloseBadFrame},
		{"no JSON", websocket.TextMessage, `hello`, false, realtime.CloseBadFrame},
		{"two ids", websocket.TextMessage, `{"id":"1","do":"say","id":"2"}`, false, realtime.CloseBadFrame},
		{"empty", websocket.TextMessage, ``, false, realtime.CloseBadFrame},
		{"binary", websocket.BinaryMessage, `{"id":"1","do":"say"}`, false, realtime.CloseUnsupported},
		{"no UTF-8", websocket.TextMessage, "{\"id\":\"\xff\",\"do\":\"say\"}", false, realtime.CloseBadText},
		{"too big", websocket.TextMessage, big, false, realtime.CloseTooBig},
		{"unpacks to too much", websocket.TextMessage, big, true, realtime.CloseTooBig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 10 { // a reset connection would lose the code now and then
				ws := w.dialWith(t, &websocket.Dialer{EnableCompression: tc.compress})
				if err := ws.WriteMessage(tc.kind, []byte(tc.frame)); err != nil {
					t.Fatal(err)
				}
				for range 20 {
					_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"more","do":"say"}`)) // fails once the server has closed
				}
				wantClose(t, ws, tc.code)
				w.wantEnd(t, tc.code)
			}
		})
	}
}

func TestBrokenProtocol(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	for name, sent := range map[string][]byte{
		"not masked":       {0x81, 0x02, '{', '}'},
		"reserved bits":    {0xf1, 0x80, 0, 0, 0, 0},
		"unknown opcode":   {0x83, 0x80, 0, 0, 0, 0},
		"long ping":        {0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0},
		"stray fragment":   {0x80, 0x80, 0, 0, 0, 0},
		"bad close code":   {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed},
		"negative length":  {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
		"length of 1 TiB":  {0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"packed, unasked":  {0xc1, 0x80, 0, 0, 0, 0},
		"frame in a frame": append([]byte{0x01, 0x80, 0, 0, 0, 0}, masked(1, "x")...),
	} {
		t.Run(name, func(t *testing.T) {
			conn, br := w.raw(t, append(sent, bytes.Repeat([]byte("x"), 3000)...))
			op, payload := byte(0), ""
			if name != "negative length" { // gorilla says nothing there; we close all the same
				op, payload = unframe(t, br)
				if op != websocket.CloseMessage || len(payload) < 2 {
					t.Errorf("got opcode %d, %q", op, payload)
				}
			}
			_ = conn.Close()
			end := await(t, w.ends, "the end")
			if end.Code != realtime.CloseProtocol && end.Code != realtime.CloseTooBig {
				t.Errorf("ended as %v", end)
			}
		})
	}
}

// Text that says it is packed and is not.
func TestCorruptCompression(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	ws := w.dialWith(t, &websocket.Dialer{EnableCompression: true})
	frame := masked(1, strings.Repeat("\xff", 40))
	frame[0] |= 0x40
	if _, err := ws.NetConn().Write(frame); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, realtime.CloseBadText)
	w.wantEnd(t, realtime.CloseBadText)
}

// A frame at the read limit is taken, one byte more is not, packed or not.
func TestReadLimit(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{ReadLimit: 2000}, answerAll)
	for _, compress := range []bool{false, true} {
		ws := w.dialWith(t, &websocket.Dialer{EnableCompression: compress})
		frame := `{"id":"1","do":"say","body":{"t":""}}`
		frame = strings.Replace(frame, `""`, `"`+strings.Repeat("x", 2000-len(frame))+`"`, 1)
		if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
		if err := ws.WriteMessage(websocket.TextMessage, []byte(frame+" ")); err != nil {
			t.Fatal(err)
		}
		wantClose(t, ws, realtime.CloseTooBig)
		w.wantEnd(t, realtime.CloseTooBig)
	}
}

// A client that does not read is cut, is told so when it reads at last, and
// costs the others nothing.
func TestSlowReader(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{CloseTimeout: patience, WriteTimeout: patience}, answerAll)
	slow := w.dial(t)
	conns := []*realtime.Conn{await(t, w.conns, "the slow client")}
	fast := w.dial(t)
	conns = append(conns, await(t, w.conns, "the fast client"))
	frame := []byte(`{"push":"room","body":"` + strings.Repeat("x", 16<<10) + `"}`)
	for sent, cut := 0, false; !cut; sent++ {
		if sent > 100_000 {
			t.Fatal("the slow client is never cut")
		}
		if err := conns[0].Send(frame); errors.Is(err, realtime.ErrSlow) {
			cut = true
		} else if err != nil {
			t.Fatal(err)
		}
		if err := conns[1].Send(frame); err != nil {
			t.Fatal(err)
		}
		if _, p, err := fast.ReadMessage(); err != nil || len(p) != len(frame) {
			t.Fatalf("the fast client got %d bytes, %v", len(p), err)
		}
	}
	if err := conns[0].Send(frame); !errors.Is(err, realtime.ErrClosed) {
		t.Errorf("sending to the one that was cut: %v", err)
	}
	wantClose(t, slow, realtime.CloseTooSlow)
	w.wantEnd(t, realtime.CloseTooSlow)
	ask(t, fast)
}

// The queue is bounded in frames and in bytes, what is being written included.
func TestQueueBounds(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{Queue: 10, QueueBytes: 1000, CloseTimeout: patience}, answerAll)
	for _, tc := range []struct{ size, fit int }{{1, 10}, {100, 10}, {200, 5}, {1000, 1}, {5000, 1}} {
		ws := w.dial(t)
		c := await(t, w.conns, "the connection")
		gate := make(chan struct{})
		w.hold(gate)
		frame := bytes.Repeat([]byte("x"), tc.size)
		for i := range tc.fit {
			if err := c.Send(frame); err != nil {
				t.Errorf("%d bytes, frame %d: %v", tc.size, i, err)
			}
		}
		if err := c.Send(frame); !errors.Is(err, realtime.ErrSlow) {
			t.Errorf("%d bytes, one too many: %v", tc.size, err)
		}
		w.hold(nil)
		close(gate)
		wantClose(t, ws, realtime.CloseTooSlow)
		w.wantEnd(t, realtime.CloseTooSlow)
	}
}

// What waits for a client that is cut for slowness is dropped: it sees the code
// after what was on its way, and need not read the whole queue first.
func TestSlowQueueIsDropped(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{Queue: 20, CloseTimeout: patience}, answerAll)
	ws := w.dial(t)
	c := await(t, w.conns, "the connection")
	gate := make(chan struct{})
	w.hold(gate)
	for range 20 {
		if err := c.Send(make([]byte, 40<<10)); err != nil { // one fills a batch
			t.Fatal(err)
		}
	}
	if err := c.Send(nil); !errors.Is(err, realtime.ErrSlow) {
		t.Error(err)
	}
	close(gate)
	got := 0
	for {
		_, _, err := ws.ReadMessage()
		if websocket.IsCloseError(err, int(realtime.CloseTooSlow)) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got > 1 { // the one on its way
		t.Errorf("%d frames came before the code", got)
	}
	w.wantEnd(t, realtime.CloseTooSlow)
}

// Frames that wait go out together.
func TestBatches(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	ws := w.dial(t)
	ask(t, ws)
	c := await(t, w.conns, "the connection")
	gate := make(chan struct{})
	w.hold(gate)
	before := w.writes.Load()
	for i := range 200 {
		if err := c.Send(fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	close(gate)
	for i := range 200 {
		if _, p, err := ws.ReadMessage(); err != nil || string(p) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("frame %d: %q, %v", i, p, err)
		}
	}
	if n := w.writes.Load() - before; n > 2 {
		t.Errorf("200 frames took %d writes", n)
	}
}

// Long frames are packed for a client that asked for it, and short ones for
// nobody.
func TestCompression(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	for _, tc := range []struct {
		asked bool
		size  int
		small bool
	}{{true, 50_000, true}, {true, 1025, true}, {true, 1024, false}, {false, 50_000, false}} {
		ws := w.dialWith(t, &websocket.Dialer{EnableCompression: tc.asked})
		ask(t, ws)
		c := await(t, w.conns, "the connection")
		before := w.written.Load()
		if err := c.Send(bytes.Repeat([]byte("农"), tc.size)[:tc.size]); err != nil {
			t.Fatal(err)
		}
		if _, p, err := ws.ReadMessage(); err != nil || len(p) != tc.size {
			t.Fatalf("%+v: got %d bytes, %v", tc, len(p), err)
		}
		if n := int(w.written.Load() - before); n < tc.size/2 != tc.small {
			t.Errorf("%+v: %d bytes on the wire", tc, n)
		}
	}
}

// Many writers, long packed frames between short ones: each client gets its
// frames whole and in its senders' order.
func TestManySenders(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{
		Queue: 1 << 20, QueueBytes: 1 << 30, Frames: realtime.FrameLimit{PerSecond: 1e6, Burst: 1e6},
	}, answerAll)
	ws := w.dialWith(t, &websocket.Dialer{EnableCompression: true})
	c := await(t, w.conns, "the connection")
	const senders, each = 8, 200
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if err := c.Send(fmt.Appendf(nil, `{"s":%d,"i":%d,"t":%q}`, s, i, strings.Repeat("田", i*s))); err != nil {
					t.Errorf("send: %v", err)
					return
				}
			}
		})
	}
	var next [senders]int
	for range senders * each {
		_, p, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			S, I int
			T    string
		}
		if err := json.Unmarshal(p, &f); err != nil || f.I != next[f.S] || f.T != strings.Repeat("田", f.I*f.S) {
			t.Fatalf("got %.60q, %v, want number %d", p, err, next[f.S])
		}
		next[f.S]++
		if f.I%10 == 0 { // pongs go between
			if err := ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
		}
	}
	wg.Wait()
}

// A client that neither reads nor answers is gone by the ping timeout, with
// frames waiting for it or without.
func TestSilentPeer(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{
		PingEvery: 10 * time.Millisecond, PeerTimeout: 100 * time.Millisecond,
		CloseTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond,
		Queue: 1 << 20, QueueBytes: 1 << 30,
	}, answerAll)
	w.raw(t, nil)
	end := w.end(t, realtime.CloseSilent)
	if end.PeerCode != 0 {
		t.Errorf("ended as %v", end)
	}
	w.raw(t, masked(1, `{"id":"1","do"`)[:10]) // in the middle of a frame
	w.wantEnd(t, realtime.CloseSilent)

	_ = await(t, w.conns, "the first connection")
	_ = await(t, w.conns, "the second")
	w.raw(t, nil)
	c := await(t, w.conns, "the connection")
	for c.Send(make([]byte, 1<<20)) == nil { // until the network takes no more
		runtime.Gosched()
		if len(w.ends) > 0 {
			break
		}
	}
	if end := await(t, w.ends, "the end"); end.Code != realtime.CloseTooSlow && end.Code != realtime.CloseSilent {
		t.Errorf("ended as %v", end)
	}
}

// A client that answers pings lives on for as many timeouts as one likes; one
// whose frame never becomes complete does not, pings or not.
func TestPings(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{PingEvery: 20 * time.Millisecond, PeerTimeout: 1500 * time.Millisecond, CloseTimeout: 100 * time.Millisecond}, answerAll)
	ws := w.dial(t)
	pings := make(chan struct{}, 1000)
	pong := ws.PingHandler()
	ws.SetPingHandler(func(data string) error { pings <- struct{}{}; return pong(data) })
	closed := make(chan error, 1)
	go func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				closed <- err
				return
			}
		}
	}()
	for range 110 { // more than a timeout and a third
		_ = await(t, pings, "a ping")
	}
	frame := masked(1, `{"id":"1","do":"ping"}`)
	frame[0] &^= 0x80 // more is to come
	if _, err := ws.NetConn().Write(frame); err != nil {
		t.Fatal(err)
	}
	w.wantEnd(t, realtime.CloseSilent)
	// It may see the code, or, its pongs being unread, only the connection reset.
	_ = await(t, closed, "the client's end")
}

// Client pings are answered with what they said.
func TestPong(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	conn, br := w.raw(t, masked(websocket.PingMessage, "hello"))
	if op, got := unframe(t, br); op != websocket.PongMessage || got != "hello" {
		t.Errorf("got opcode %d, %q", op, got)
	}
	_ = conn.Close()
	w.wantEnd(t, realtime.CloseLost)
}

// Closing writes what is queued first, ends the handler's context with the
// cause, and takes nothing more.
func TestCloseFlushes(t *testing.T) {
	noLeaks(t)
	causes := make(chan error, 1)
	w := newWire(t, realtime.Options{}, func(ctx context.Context, c *realtime.Conn, _ realtime.Request) {
		for i := range 50 {
			_ = c.Send(fmt.Appendf(nil, `{"n":%d}`, i))
		}
		c.Close(realtime.CloseSessionEnded)
		c.Close(realtime.CloseGoingAway) // the first counts
		<-ctx.Done()
		causes <- context.Cause(ctx)
	})
	ws := w.dial(t)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"leave"}`)); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if _, p, err := ws.ReadMessage(); err != nil || string(p) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("frame %d: %q, %v", i, p, err)
		}
	}
	wantClose(t, ws, realtime.CloseSessionEnded)
	w.wantEnd(t, realtime.CloseSessionEnded)
	var end realtime.End
	if err := await(t, causes, "the cause"); !errors.As(err, &end) || end.Code != realtime.CloseSessionEnded {
		t.Errorf("the context ended with %v", err)
	}
}

// A client that ignores the close frame is cut at the close timeout.
func TestCloseIgnored(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{CloseTimeout: 50 * time.Millisecond}, answerAll)
	_, br := w.raw(t, nil)
	await(t, w.conns, "the connection").Close(realtime.CloseReplaced)
	w.wantEnd(t, realtime.CloseReplaced)
	if op, got := unframe(t, br); op != websocket.CloseMessage || !strings.HasSuffix(got, "replaced:never") {
		t.Errorf("got opcode %d, %q", op, got)
	}
}

func TestCloseOddCodes(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	ws := w.dial(t)
	await(t, w.conns, "the connection").Close(4999)
	wantClose(t, ws, realtime.CloseFailed)
	if end := w.end(t, realtime.CloseFailed); end.Err == nil {
		t.Error("the end does not name the code")
	}
	ws = w.dial(t)
	await(t, w.conns, "the connection").Close(realtime.CloseLost)
	if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("the client saw %v", err)
	}
	w.wantEnd(t, realtime.CloseLost)
}

// A panic ends its own connection and is reported.
func TestPanic(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, func(ctx context.Context, c *realtime.Conn, r realtime.Request) {
		if r.Do == "panic" {
			panic("oh")
		}
		answerAll(ctx, c, r)
	})
	good, bad := w.dial(t), w.dial(t)
	if err := bad.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"panic"}`)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, bad, realtime.CloseFailed)
	if end := w.end(t, realtime.CloseFailed); end.Err == nil || !strings.Contains(end.Error(), "oh") {
		t.Errorf("ended as %v", end)
	}
	ask(t, good)
}

// A handler that ends its goroutine, as a failing test does, ends its
// connection and leaves nothing behind.
func TestGoexit(t *testing.T) {
	noLeaks(t)
	var g realtime.Group
	w := newWire(t, realtime.Options{Group: &g}, func(context.Context, *realtime.Conn, realtime.Request) { runtime.Goexit() })
	ws := w.dial(t)
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"say"}`)); err != nil {
		t.Fatal(err)
	}
	w.wantEnd(t, realtime.CloseLost)
	if n := g.Len(); n != 0 {
		t.Errorf("%d left in the group", n)
	}
}

// Serve's context ending is a node that stops; and a connection that is not
// from our Upgrader is refused.
func TestServeContext(t *testing.T) {
	noLeaks(t)
	ctx, cancel := context.WithCancel(context.Background())
	ends := make(chan realtime.End, 3)
	s := newSite(t, &realtime.Upgrader{}, func(_ string, ws *websocket.Conn) {
		ends <- realtime.Serve(ctx, ws, realtime.Options{}, answerAll)
	})
	ws := s.dial(t)
	ask(t, ws)
	cancel()
	wantClose(t, ws, realtime.CloseGoingAway)
	if end := await(t, ends, "the end"); end.Code != realtime.CloseGoingAway {
		t.Errorf("ended as %v", end)
	}
	if end := realtime.Serve(ctx, s.dial(t), realtime.Options{}, answerAll); end.Code != realtime.CloseFailed || end.Err == nil {
		t.Errorf("a stranger's connection ended as %v", end)
	}
	ws = s.dial(t) // and one that comes after the end
	wantClose(t, ws, realtime.CloseGoingAway)
}

// The HTTP server's shutdown leaves sockets alone; the group closes them, each
// told to come back, and lets no more in.
func TestGroupCloseAll(t *testing.T) {
	noLeaks(t)
	var g realtime.Group
	w := newWire(t, realtime.Options{Group: &g, CloseTimeout: 200 * time.Millisecond}, answerAll)
	var clients []*websocket.Conn
	for range 50 {
		ws := w.dial(t)
		ask(t, ws)
		clients = append(clients, ws)
	}
	w.raw(t, nil) // will not answer the close frame
	for range 51 {
		_ = await(t, w.conns, "a connection")
	}
	if n := g.Len(); n != 51 {
		t.Errorf("%d in the group", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- g.CloseAll(ctx, realtime.CloseGoingAway) }()
	}
	for _, ws := range clients {
		wantClose(t, ws, realtime.CloseGoingAway)
	}
	for range 2 {
		if err := await(t, done, "the group to be empty"); err != nil {
			t.Error(err)
		}
	}
	if n := g.Len(); n != 0 {
		t.Errorf("%d left", n)
	}
	for range 51 {
		w.wantEnd(t, realtime.CloseGoingAway)
	}
	wantClose(t, w.dial(t), realtime.CloseGoingAway)
	w.wantEnd(t, realtime.CloseGoingAway)
}

// When there is no more time the group cuts what is left.
func TestGroupCloseAllInHaste(t *testing.T) {
	noLeaks(t)
	var g realtime.Group
	w := newWire(t, realtime.Options{Group: &g, CloseTimeout: time.Hour}, answerAll)
	w.raw(t, nil)
	_ = await(t, w.conns, "the connection")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.CloseAll(ctx, realtime.CloseGoingAway); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.wantEnd(t, realtime.CloseGoingAway)
}

// Two thousand come, talk, and go in every way there is; nothing is left.
func TestComeAndGo(t *testing.T) {
	noLeaks(t)
	var g realtime.Group
	w := newWire(t, realtime.Options{Group: &g, CloseTimeout: time.Second}, func(ctx context.Context, c *realtime.Conn, r realtime.Request) {
		answerAll(ctx, c, r)
		if r.Do == "leave" {
			c.Close(realtime.CloseNormal)
		}
	})
	const total, workers = 2000, 50
	var wg sync.WaitGroup
	for k := range workers {
		wg.Go(func() {
			var open []*websocket.Conn
			for range total / workers { // all are there at once
				ws, resp, err := websocket.DefaultDialer.Dial("ws://"+w.addr+"/", nil)
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				_ = resp.Body.Close()
				open = append(open, ws)
			}
			for i, ws := range open {
				do := "say"
				if i%4 == 0 {
					do = "leave"
				}
				_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"id":"1","do":"`+do+`"}`))
				if _, _, err := ws.ReadMessage(); err != nil {
					t.Errorf("worker %d, %d: %v", k, i, err)
				}
				switch i % 4 {
				case 0:
					_, _, _ = ws.ReadMessage() // answers the close frame
				case 1:
					_ = ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""))
					_, _, _ = ws.ReadMessage()
				case 2: // without a word
				case 3:
					if tcp, ok := ws.NetConn().(*net.TCPConn); ok {
						_ = tcp.SetLinger(0) // resets
					}
				}
				_ = ws.Close()
			}
		})
	}
	wg.Wait()
	for range total {
		_ = await(t, w.ends, "an end")
	}
	if n := g.Len(); n != 0 {
		t.Errorf("%d left in the group", n)
	}
}

// A frame of 20 KiB that unpacks to 20 MiB costs the server no more memory than
// the limit allows.
func TestBomb(t *testing.T) {
	noLeaks(t)
	w := newWire(t, realtime.Options{}, answerAll)
	var b bytes.Buffer
	fw, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := fw.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := fw.Flush(); err != nil {
		t.Fatal(err)
	}
	frame := masked(1, b.String()[:b.Len()-4])
	frame[0] |= 0x40
	if len(frame) >= 64<<10 {
		t.Fatalf("the bomb is of %d bytes, and tests the other limit", len(frame))
	}
	ws := w.dialWith(t, &websocket.Dialer{EnableCompression: true})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ws.NetConn().Write(frame); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, realtime.CloseTooBig)
	w.wantEnd(t, realtime.CloseTooBig)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("it cost %d bytes", n)
	}
}

// BenchmarkIdleConnection prints what one idle connection keeps in heap and
// stacks. The clients are bare TCP connections in the same process; what these
// cost is measured first and taken off.
func BenchmarkIdleConnection(b *testing.B) {
	const total = 2000
	for b.Loop() {
		var g realtime.Group
		w := newWire(b, realtime.Options{Group: &g}, answerAll)
		plain, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		before := memory()
		var bare []net.Conn
		for range total / 2 { // both ends here: as many as the clients below
			client, err := new(net.Dialer).DialContext(b.Context(), "tcp", plain.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			server, err := plain.Accept()
			if err != nil {
				b.Fatal(err)
			}
			bare = append(bare, client, server)
		}
		client := (memory() - before) / total
		for _, conn := range bare {
			_ = conn.Close()
		}
		_ = plain.Close()

		before = memory()
		clients := make([]net.Conn, 0, total)
		answer := make([]byte, 4096)
		for range total {
			conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", w.addr)
			if err != nil {
				b.Fatal(err)
			}
			for _, send := range []string{hello, string(masked(1, `{"id":"1","do":"ping","body":{}}`))} {
				if _, err := conn.Write([]byte(send)); err != nil {
					b.Fatal(err)
				}
				if _, err := conn.Read(answer); err != nil {
					b.Fatal(err)
				}
			}
			clients = append(clients, conn)
		}
		all := (memory() - before) / total
		b.ReportMetric(float64(all-client), "B/conn")
		b.ReportMetric(float64(client), "B/bare-tcp")
		for _, conn := range clients {
			_ = conn.Close()
		}
		for range total {
			_ = await(b, w.ends, "an end")
		}
	}
}

// memory is what is live in the heap, and the stacks.
func memory() int64 {
	runtime.GC()
	runtime.GC() // pools survive one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkPush is one frame to a thousand connections, until all have it.
func BenchmarkPush(b *testing.B) {
	const total = 1000
	w := newWire(b, realtime.Options{}, answerAll)
	var conns []*realtime.Conn
	got := make(chan error, total)
	for range total {
		ws := w.dial(b)
		conns = append(conns, <-w.conns)
		go func() {
			for {
				_, _, err := ws.ReadMessage()
				got <- err
				if err != nil {
					return
				}
			}
		}()
	}
	frame := []byte(`{"push":"room","log":"room:01J","n":12,"kind":"said","at":"2031-03-01T00:00:00Z","body":{"text":"明天早上六点在镇政府门口集合"}}`)
	for b.Loop() {
		for _, c := range conns {
			if err := c.Send(frame); err != nil {
				b.Fatal(err)
			}
		}
		for range total {
			if err := <-got; err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*total/b.Elapsed().Seconds(), "frames/s")
}
