package realtime

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"

	"hezuo/fault"
)

const (
	// readBuffer is kept by every connection for its whole life, so it is
	// small; a longer frame is read past it, straight into its own memory.
	readBuffer = 512
	// writeBuffer is borrowed for the framing of one message.
	writeBuffer = 4096
	// keepBatch is the largest batch whose memory goes back to the pool.
	keepBatch = 128 << 10
)

// Prepare sets what sockets need of the app's server; call it once, before the
// app listens.
//
// The server keeps hijacked connections (app.Server().KeepHijackedConns): a
// socket outlives the callback that hands it over. The app itself must have
// been made with fiber.Config{Immutable: true}; that cannot be set afterwards.
// [Upgrader.Upgrade] refuses to work without either. The server's read and
// write timeouts may be anything: they end with the handshake.
//
// Shutting the server down does not close sockets: see [Group].
func Prepare(app *fiber.App) { app.Server().KeepHijackedConns = true }

// Upgrader turns an HTTP request into a websocket. Its zero value is ready; it
// must not be copied, because its connections share its buffers.
type Upgrader struct {
	// CheckOrigin says whether a page of this origin may open a socket on this
	// host. Origin is empty for a client that is no browser. Nil allows the
	// host's own pages and clients without an origin.
	CheckOrigin func(origin, host string) bool

	// Subprotocols are those that the server speaks, the preferred first.
	Subprotocols []string

	// HandshakeTimeout is how long the answer to the handshake may take to be
	// written; 10 s if zero.
	HandshakeTimeout time.Duration

	frames  sync.Pool // gorilla's write buffers
	batches sync.Pool // *bytes.Buffer, see link
}

// Upgrade does the handshake and gives the connection to serve, which runs in
// a goroutine of its own, owns the connection, and has it closed for it when it
// returns. What Upgrade and serve's closure use of c must not be c itself: c is
// recycled when the handler returns.
//
// The order matters. gorilla checks the request and makes its connection while
// the handler runs, but on a [link] that is not yet connected: the answer waits
// in memory. Only fasthttp's hijack callback has the connection for itself,
// after fasthttp has written whatever was before it and has set its deadlines
// for the last time; there the answer is written and reading starts.
//
// A refused handshake is an ordinary HTTP answer: a fault with the public text,
// that wraps a *fiber.Error with the status.
func (u *Upgrader) Upgrade(c *fiber.Ctx, serve func(*websocket.Conn)) error {
	if !c.App().Server().KeepHijackedConns || !c.App().Config().Immutable {
		return fault.New(fault.Internal, "the app is not prepared for sockets: see realtime.Prepare")
	}
	l := &link{pool: &u.batches, holding: true}
	h := &handshake{link: l, answer: http.Header{}}
	g := websocket.Upgrader{
		ReadBufferSize:    readBuffer,
		WriteBufferSize:   writeBuffer,
		WriteBufferPool:   &u.frames,
		Subprotocols:      u.Subprotocols,
		CheckOrigin:       u.allows,
		EnableCompression: true,
		Error:             func(_ http.ResponseWriter, _ *http.Request, status int, _ error) { h.status = status },
	}
	ws, err := g.Upgrade(h, request(c), nil)
	if err != nil {
		return refuse(c, h.status, err)
	}
	ctx := c.Context()
	ctx.HijackSetNoResponse(true) // gorilla has written its own
	ctx.Hijack(func(conn net.Conn) {
		if err := l.connect(conn); err != nil {
			_ = conn.Close() // the client is gone, or was never there
			return
		}
		// Not in this goroutine: when the callback returns, fasthttp takes back
		// its request and its read buffer, which an idle socket has no use for.
		go u.run(l, ws, serve)
	})
	return nil
}

func (u *Upgrader) run(l *link, ws *websocket.Conn, serve func(*websocket.Conn)) {
	defer func() { _ = l.Close() }() // a second Close is refused, and means nothing
	timeout := u.HandshakeTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	if l.Conn.SetWriteDeadline(time.Now().Add(timeout)) != nil || l.flush() != nil {
		return
	}
	if l.Conn.SetWriteDeadline(time.Time{}) != nil {
		return
	}
	l.hold(false)
	serve(ws)
}

// allows is [Upgrader.CheckOrigin] as gorilla asks it.
func (u *Upgrader) allows(r *http.Request) bool {
	if len(r.Header["Origin"]) > 1 {
		return false // no browser does this: somebody wants two readers to see two origins
	}
	origin := r.Header.Get("Origin")
	if u.CheckOrigin != nil {
		return u.CheckOrigin(origin, r.Host)
	}
	if origin == "" {
		return true
	}
	o, err := url.Parse(origin)
	return err == nil && strings.EqualFold(o.Host, r.Host)
}

// request copies what gorilla reads of the request. Every string is a copy:
// fasthttp writes the next request over the bytes of this one.
func request(c *fiber.Ctx) *http.Request {
	r := &http.Request{
		Method: string(c.Request().Header.Method()),
		Host:   string(c.Request().Host()),
		Header: http.Header{},
	}
	for _, name := range []string{
		"Connection", "Upgrade", "Origin", "Sec-Websocket-Version",
		"Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions",
	} {
		for _, v := range c.Request().Header.PeekAll(name) {
			r.Header[name] = append(r.Header[name], string(v))
		}
	}
	return r
}

// refuse makes the answer to a handshake that failed.
func refuse(c *fiber.Ctx, status int, reason error) error {
	var f *fault.Error
	switch status {
	case http.StatusForbidden:
		f = fault.New(fault.Forbidden, "a page of this origin may not open a socket here").
			WithFix("open it from the market's own pages")
	case http.StatusBadRequest, http.StatusMethodNotAllowed:
		c.Set("Sec-WebSocket-Version", "13")
		f = fault.New(fault.Invalid, "this is not a websocket handshake that the server knows").
			WithFix("send GET with Upgrade: websocket and Sec-WebSocket-Version: 13")
	default:
		return fault.New(fault.Internal, "the handshake failed").Wrap(reason)
	}
	return f.Wrap(fmt.Errorf("%w: %w", fiber.NewError(status, f.Message), reason))
}

// handshake is the http.ResponseWriter and http.Hijacker that gorilla sees.
type handshake struct {
	link   *link
	answer http.Header
	status int
}

var _ http.Hijacker = (*handshake)(nil)

func (h *handshake) Header() http.Header         { return h.answer }
func (h *handshake) WriteHeader(status int)      { h.status = status }
func (h *handshake) Write(p []byte) (int, error) { return len(p), nil }

// Hijack gives the link that is not connected yet. The buffers are as small as
// may be: gorilla looks at them and makes its own.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.link, bufio.NewReadWriter(bufio.NewReaderSize(h.link, 16), bufio.NewWriterSize(h.link, 16)), nil
}
