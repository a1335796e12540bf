package realtime_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"hezuo/fault"
	"hezuo/realtime"
)

// hello is a handshake; the key is RFC 6455's own.
const hello = "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// patience is how long a test waits for something that must happen.
const patience = 30 * time.Second

// noLeaks fails the test if goroutines are left of it. Call it first.
func noLeaks(t testing.TB) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(
			t, before,
			// fasthttp's own, which sleep: the clock once a process for ever, the
			// cleaner of a stopped server for ten seconds more.
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		)
	})
}

// site is a real Fiber app on a real port, with a socket on every path.
type site struct {
	addr    string
	app     *fiber.App
	errs    chan error   // what the handlers returned
	written atomic.Int64 // bytes
	writes  atomic.Int64

	mu   sync.Mutex
	gate chan struct{} // if not nil, every write waits for it
}

// meter counts what the server writes, and can hold it up.
type meter struct {
	*net.TCPConn
	site *site
}

func (m meter) Write(p []byte) (int, error) {
	m.site.mu.Lock()
	gate := m.site.gate
	m.site.mu.Unlock()
	if gate != nil {
		<-gate
	}
	m.site.writes.Add(1)
	m.site.written.Add(int64(len(p)))
	return m.TCPConn.Write(p)
}

type meters struct {
	net.Listener
	site *site
}

func (m meters) Accept() (net.Conn, error) {
	conn, err := m.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("accepted a %T", conn)
	}
	return meter{TCPConn: tcp, site: m.site}, nil
}

// hold makes every write of the server wait until the channel is closed.
func (s *site) hold(gate chan struct{}) {
	s.mu.Lock()
	s.gate = gate
	s.mu.Unlock()
}

func newSite(t testing.TB, u *realtime.Upgrader, serve func(path string, ws *websocket.Conn)) *site {
	t.Helper()
	s := newApp(u, serve)
	s.listen(t, nil)
	return s
}

func newApp(u *realtime.Upgrader, serve func(path string, ws *websocket.Conn)) *site {
	s := &site{errs: make(chan error, 4096)}
	s.app = fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true})
	realtime.Prepare(s.app)
	s.app.Get("/plain", func(c *fiber.Ctx) error { return c.SendString("plain") })
	s.app.All("/*", func(c *fiber.Ctx) error {
		path := c.OriginalURL()
		err := u.Upgrade(c, func(ws *websocket.Conn) { serve(path, ws) })
		if err != nil {
			s.errs <- err
		}
		return err
	})
	return s
}

// listen serves the app, over TLS if there is a configuration for it.
func (s *site) listen(t testing.TB, secure *tls.Config) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ln = meters{ln, s}
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.app.Listener(ln) }()
	t.Cleanup(func() {
		if err := s.app.Shutdown(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-stopped; err != nil {
			t.Errorf("listener: %v", err)
		}
	})
}

// dial opens a websocket, and closes it when the test ends.
func (s *site) dial(t testing.TB) *websocket.Conn {
	t.Helper()
	return s.dialWith(t, &websocket.Dialer{})
}

func (s *site) dialWith(t testing.TB, d *websocket.Dialer) *websocket.Conn {
	t.Helper()
	ws, resp, err := d.Dial("ws://"+s.addr+"/socket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	t.Cleanup(func() { _ = ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return ws
}

// raw opens a connection and sends a handshake with something right behind it.
func (s *site) raw(t testing.TB, behind []byte) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	return conn, greet(t, conn, behind)
}

// greet does the handshake on a bare connection, in one write with what is
// behind it.
func greet(t testing.TB, conn net.Conn, behind []byte) *bufio.Reader {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(append([]byte(hello), behind...)); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("handshake answered %v", resp)
	}
	return br
}

// masked is a client's frame.
func masked(opcode byte, payload string) []byte {
	b := []byte{0x80 | opcode}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

// unframe reads a server's frame.
func unframe(t testing.TB, r io.Reader) (opcode byte, payload string) {
	t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		t.Fatal(err)
	}
	n := int(head[1])
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			t.Fatal(err)
		}
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return head[0] & 0xf, string(body)
}

func echo(_ string, ws *websocket.Conn) {
	for {
		kind, p, err := ws.ReadMessage()
		if err != nil || ws.WriteMessage(kind, p) != nil {
			return
		}
	}
}

func TestEcho(t *testing.T) {
	noLeaks(t)
	s := newSite(t, &realtime.Upgrader{}, echo)
	for _, compress := range []bool{false, true} {
		ws := s.dialWith(t, &websocket.Dialer{EnableCompression: compress})
		for _, n := range []int{0, 1, 125, 126, 511, 512, 513, 4096, 5000, 65535, 65536, 300_000} {
			want := strings.Repeat("合", n/3) + strings.Repeat("x", n%3)
			if err := ws.WriteMessage(websocket.TextMessage, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
				t.Fatalf("%d bytes came back as %d, %v", n, len(got), err)
			}
		}
	}
}

// What comes in one packet with the handshake is in fasthttp's read buffer, and
// must reach the socket.
func TestBytesBehindHandshake(t *testing.T) {
	noLeaks(t)
	s := newSite(t, &realtime.Upgrader{}, echo)
	for _, n := range []int{1, 10, 900, 60_000} {
		payload := strings.Repeat("a", n)
		frames := append(masked(1, payload), masked(1, "second")...)
		for _, cut := range []int{1, 5, len(frames) / 2, len(frames)} {
			conn, br := s.raw(t, frames[:cut])
			if _, err := conn.Write(frames[cut:]); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{payload, "second"} {
				if op, got := unframe(t, br); op != 1 || got != want {
					t.Fatalf("%d bytes, cut at %d: got opcode %d, %d bytes", n, cut, op, len(got))
				}
			}
		}
	}
}

// TLS keeps bytes of its own in front of fasthttp's, and closes by halves too.
func TestTLS(t *testing.T) {
	noLeaks(t)
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS() // for its certificate
	defer pair.Close()
	ends := make(chan realtime.End, 1)
	s := newApp(&realtime.Upgrader{}, func(_ string, ws *websocket.Conn) {
		ends <- realtime.Serve(context.Background(), ws, realtime.Options{}, answerAll)
	})
	s.listen(t, &tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS12})
	trust := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}

	conn, err := (&tls.Dialer{Config: trust}).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	br := greet(t, conn, masked(1, `{"id":"1","do":"say"}`))
	if _, got := unframe(t, br); got != `{"re":"1","ok":true}` {
		t.Errorf("answered %q", got)
	}
	if _, err := conn.Write([]byte{0x81, 0x02, '{', '}'}); err != nil { // not masked
		t.Fatal(err)
	}
	if op, _ := unframe(t, br); op != websocket.CloseMessage {
		t.Errorf("got opcode %d", op)
	}
	_ = conn.Close()
	if end := await(t, ends, "the end"); end.Code != realtime.CloseProtocol {
		t.Errorf("ended as %v", end)
	}
}

// A request before the handshake in the same packet is answered before it.
func TestPipelinedBeforeHandshake(t *testing.T) {
	noLeaks(t)
	s := newSite(t, &realtime.Upgrader{}, echo)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, err = conn.Write(append([]byte("GET /plain HTTP/1.1\r\nHost: x\r\n\r\n"+hello), masked(1, "hello")...))
	if err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	for _, want := range []int{200, 101} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("want %d, got %v, %v", want, resp, err)
		}
		if want == 200 {
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "plain" {
				t.Fatalf("body %q, %v", body, err)
			}
		}
		_ = resp.Body.Close()
	}
	if _, got := unframe(t, br); got != "hello" {
		t.Fatalf("got %q", got)
	}
}

func TestRefusedHandshake(t *testing.T) {
	noLeaks(t)
	s := newSite(t, &realtime.Upgrader{}, echo)
	good := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	for _, tc := range []struct {
		name, method string
		header       http.Header // replaces
		status       int
		code         fault.Code
	}{
		{"foreign origin", "GET", http.Header{"Origin": {"https://evil.example"}}, 403, fault.Forbidden},
		{"opaque origin", "GET", http.Header{"Origin": {"null"}}, 403, fault.Forbidden},
		{"origin that is no address", "GET", http.Header{"Origin": {"http://%zz"}}, 403, fault.Forbidden},
		{"two origins", "GET", http.Header{"Origin": {"http://" + s.addr, "https://evil.example"}}, 403, fault.Forbidden},
		{"no upgrade", "GET", http.Header{"Connection": {"keep-alive"}, "Upgrade": nil}, 400, fault.Invalid},
		{"other protocol", "GET", http.Header{"Upgrade": {"h2c"}}, 400, fault.Invalid},
		{"old version", "GET", http.Header{"Sec-Websocket-Version": {"8"}}, 400, fault.Invalid},
		{"no key", "GET", http.Header{"Sec-Websocket-Key": nil}, 400, fault.Invalid},
		{"short key", "GET", http.Header{"Sec-Websocket-Key": {"AAAA"}}, 400, fault.Invalid},
		{"POST", "POST", nil, 405, fault.Invalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
			defer client.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+s.addr+"/socket", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = good.Clone()
			for k, v := range tc.header {
				req.Header[k] = v
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != tc.status {
				t.Errorf("answered %d, want %d", resp.StatusCode, tc.status)
			}
			if tc.status != 403 && resp.Header.Get("Sec-WebSocket-Version") != "13" {
				t.Error("the answer does not name the version")
			}
			if err := await(t, s.errs, "the refusal"); fault.CodeOf(err) != tc.code {
				t.Errorf("handler returned %v, want %s", err, tc.code)
			}
			// The connection is still HTTP: it was not hijacked.
			req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/plain", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err = client.Do(req)
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("afterwards: %v, %v", resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		})
	}
}

func TestUnpreparedApp(t *testing.T) {
	noLeaks(t)
	for name, app := range map[string]*fiber.App{
		"not prepared":  fiber.New(fiber.Config{Immutable: true, DisableStartupMessage: true}),
		"not immutable": fiber.New(fiber.Config{DisableStartupMessage: true}),
	} {
		t.Run(name, func(t *testing.T) {
			if !app.Config().Immutable {
				realtime.Prepare(app)
			}
			s := &site{app: app}
			app.Get("/socket", func(c *fiber.Ctx) error {
				return (&realtime.Upgrader{}).Upgrade(c, func(*websocket.Conn) { t.Error("served") })
			})
			s.listen(t, nil)
			_, resp, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/socket", nil)
			if err == nil || resp == nil || resp.StatusCode != 500 {
				t.Fatalf("want 500, got %v, %v", resp, err)
			}
			_ = resp.Body.Close()
		})
	}
}

// fasthttp writes the next request over the bytes of the last: every string
// that outlives the handler must be a copy.
func TestHandshakeStringsAreCopies(t *testing.T) {
	noLeaks(t)
	const workers, each = 25, 20
	type pair struct{ origin, host string }
	var mu sync.Mutex
	var seen []pair
	u := &realtime.Upgrader{CheckOrigin: func(origin, host string) bool {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, pair{origin, host})
		return true
	}}
	var want []pair
	for i := range workers * each {
		u.Subprotocols = append(u.Subprotocols, fmt.Sprintf("hezuo.%d", i))
		want = append(want, pair{fmt.Sprintf("https://origin-%d.example", i), fmt.Sprintf("host-%d.example", i)})
	}
	s := newSite(t, u, func(path string, ws *websocket.Conn) {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
			if ws.WriteMessage(websocket.TextMessage, []byte(path+" "+ws.Subprotocol())) != nil {
				return
			}
		}
	})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var open []*websocket.Conn
			for i := w * each; i < (w+1)*each; i++ {
				d := websocket.Dialer{Subprotocols: []string{fmt.Sprintf("hezuo.%d", i)}}
				header := http.Header{"Origin": {want[i].origin}, "Host": {want[i].host}}
				ws, resp, err := d.Dial(fmt.Sprintf("ws://%s/socket/%d?ticket=%s", s.addr, i, strings.Repeat("t", i%97)), header)
				if err != nil {
					t.Errorf("dial %d: %v", i, err)
					return
				}
				_ = resp.Body.Close()
				open = append(open, ws)
			}
			for round := range 3 { // while others shake hands
				for k, ws := range open {
					i := w*each + k
					if err := ws.WriteMessage(websocket.TextMessage, []byte("?")); err != nil {
						t.Errorf("round %d, %d: %v", round, i, err)
						return
					}
					want := fmt.Sprintf("/socket/%d?ticket=%s hezuo.%d", i, strings.Repeat("t", i%97), i)
					if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
						t.Errorf("round %d: got %q, %v, want %q", round, got, err, want)
					}
				}
			}
			for _, ws := range open {
				_ = ws.Close()
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	order := func(a, b pair) int { return strings.Compare(a.origin, b.origin) }
	slices.SortFunc(seen, order)
	slices.SortFunc(want, order)
	if !slices.Equal(seen, want) {
		t.Errorf("origins and hosts were corrupted: %d seen, %d wanted", len(seen), len(want))
	}
}
