package realtime

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"hezuo/fault"
)

// batchBytes is how much of the queue is written in one go.
const batchBytes = 64 << 10

// What [Conn.Send] answers when the frame was not taken.
var (
	ErrClosed = fault.New(fault.Gone, "the connection is closed")
	ErrSlow   = fault.New(fault.TooMany, "the client reads too slowly and was cut off")
)

// Options are the bounds of one connection. A zero field means its default.
type Options struct {
	Queue         int           // frames that may wait to be written; 256
	QueueBytes    int           // bytes that may wait to be written; 1 MiB
	ReadLimit     int64         // bytes of a frame from the client, unpacked; 64 KiB
	PingEvery     time.Duration // 25 s: below the minute or half after which phones' networks forget a connection
	PeerTimeout   time.Duration // how long the client may give no sign of life, and how long one frame may take to arrive; 60 s
	WriteTimeout  time.Duration // how long the network may take to accept a batch; 10 s
	CloseTimeout  time.Duration // from Close to the end at the latest, whatever the client does; 5 s
	CompressAbove int           // frames longer than this are compressed, for clients that asked for it; 1 KiB
	Frames        FrameLimit    // what the client may send

	// Group, if not nil, has the connection for as long as it lives.
	Group *Group
	// Opened, if not nil, is called before the first frame is read.
	Opened func(*Conn)
	// Now is the clock of the frame limit; time.Now if nil. The network's
	// deadlines are always by the machine's clock: the kernel knows no other,
	// and a test's clock would end every connection at once or never.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	or(&o.Queue, 256)
	or(&o.QueueBytes, 1<<20)
	or(&o.ReadLimit, 64<<10)
	or(&o.PingEvery, 25*time.Second)
	or(&o.PeerTimeout, 60*time.Second)
	or(&o.WriteTimeout, 10*time.Second)
	or(&o.CloseTimeout, 5*time.Second)
	or(&o.CompressAbove, 1<<10)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func or[T comparable](field *T, value T) {
	if zero := *new(T); *field == zero {
		*field = value
	}
}

// End says how a connection ended. As an error it is the cause of the context
// that handlers got.
type End struct {
	Code     Code  // why, as this side sees it; CloseNormal when the client closed
	PeerCode int   // what the client closed with, 1005 if it said nothing; 0 if it did not close
	Err      error // for the log; nil if there is no more to say
}

// Error gives the code's name and the cause.
func (e End) Error() string {
	s := "connection ended: " + e.Code.String()
	if e.PeerCode != 0 {
		s += fmt.Sprintf(" (client closed with %d)", e.PeerCode)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e End) Unwrap() error { return e.Err }

// life is how far a connection has come. It only goes forward.
type life uint8

const (
	open    life = iota
	closing      // a close frame is to be written, or was
	closed       // the network connection is closed, or about to be
)

// Conn is one client's connection. Its methods may be called from anywhere.
//
// There is one reader, the goroutine that called [Serve] (see aside), and at
// most one writer. The writer exists only while there is something to write: most
// connections are idle most of the time, and a goroutine that waits costs more
// than all else that they keep. Nobody else touches the network.
//
// mu is held for bookkeeping alone: never while writing, waiting or calling out.
type Conn struct {
	ws      *websocket.Conn
	link    *link
	options Options
	limiter frameLimiter
	cancel  context.CancelCauseFunc
	inFrame bool // the reader's own: a frame has begun and is not complete

	mu      sync.Mutex
	life    life
	end     End       // set when life leaves open
	closeBy time.Time // set when life is closing
	queue   [][]byte
	frames  int     // waiting or being written
	bytes   int     // of these frames
	ping    bool    // to be written
	asked   bool    // a ping has no pong yet
	pong    *string // what the client's last ping said
	said    bool    // the close frame was given to the writer
	writing bool
	writers sync.WaitGroup // the writer; none is added once life is closed
	pinger  *time.Timer
}

// Serve reads requests from ws, which must come from [Upgrader.Upgrade], and
// calls handle with each, one after the other, until the connection ends,
// whoever ends it. Then nothing of it is left but what handle started.
//
// Handle's context ends when the connection begins to end, with an [End] as its
// cause; ctx ending ends the connection with [CloseGoingAway]. While handle
// works nothing more is read: who sends faster than that waits. A request that
// cannot be decoded is answered here. A panic in handle ends this connection
// alone, with [CloseFailed], and is in the End that Serve returns.
func Serve(ctx context.Context, ws *websocket.Conn, o Options, handle func(context.Context, *Conn, Request)) (end End) {
	l, ok := ws.NetConn().(*link)
	if !ok {
		_ = ws.Close()
		return End{Code: CloseFailed, Err: errors.New("realtime: the connection is not from this package's Upgrader")}
	}
	c := &Conn{ws: ws, link: l, options: o.withDefaults()}
	c.limiter = newFrameLimiter(c.options.Frames, c.options.Now)
	parent := ctx
	ctx, c.cancel = context.WithCancelCause(parent)
	l.hold(true)
	ws.SetReadLimit(c.options.ReadLimit)
	ws.SetPingHandler(c.pinged)
	ws.SetPongHandler(c.ponged)
	ws.SetCloseHandler(func(int, string) error { return nil }) // the writer answers it

	stop := context.AfterFunc(parent, func() { c.Close(CloseGoingAway) })
	defer stop()
	err := net.ErrClosed // stays, if Opened does not return
	defer func() {
		c.finish(err)
		c.options.Group.remove(c)
		end = c.end
	}()
	if code, ok := c.options.Group.add(c); !ok {
		c.Close(code)
	} else if c.options.Opened != nil {
		c.options.Opened(c)
	}
	c.mu.Lock()
	if c.life == open {
		c.pinger = time.AfterFunc(c.options.PingEvery, c.pingDue)
	}
	c.mu.Unlock()
	err = c.read(ctx, handle)
	return end
}

// Send queues a frame and returns at once. It keeps the frame, which must not
// be changed afterwards; one frame may be sent to many. When the queue is full
// the connection is closed with [CloseTooSlow]. Errors: [ErrClosed], [ErrSlow].
//
// A frame larger than the whole queue is taken when nothing else waits.
func (c *Conn) Send(frame []byte) error {
	c.mu.Lock()
	switch {
	case c.life != open:
		c.mu.Unlock()
		return ErrClosed
	case c.frames > 0 && (c.frames >= c.options.Queue || c.bytes+len(frame) > c.options.QueueBytes):
		c.mu.Unlock()
		c.Close(CloseTooSlow)
		return ErrSlow
	}
	c.queue = append(c.queue, frame)
	c.frames++
	c.bytes += len(frame)
	c.wake()
	c.mu.Unlock()
	return nil
}

// Close begins to end the connection and returns at once. What is queued is
// still written, unless the code says that the client does not read; then the
// close frame; then the client has until the close timeout to answer it. The
// first code counts. A code that is not in the set is [CloseFailed];
// [CloseLost] closes without a word.
func (c *Conn) Close(code Code) {
	switch {
	case code == CloseLost:
		c.abort(End{Code: code})
	case !code.Known():
		c.shut(End{Code: CloseFailed, Err: fmt.Errorf("realtime: closed with an unknown code %d", code)})
	default:
		c.shut(End{Code: code})
	}
}

// shut begins the end, if it has not begun.
func (c *Conn) shut(end End) {
	c.mu.Lock()
	if c.life != open {
		c.mu.Unlock()
		return
	}
	c.life, c.end = closing, end
	c.closeBy = time.Now().Add(c.options.CloseTimeout)
	if end.Code == CloseTooSlow || end.Code == CloseSilent || end.PeerCode != 0 {
		c.queue = nil // nobody reads it
	}
	c.stopPings()
	// From here on the deadline is this one for all: the read that waits, the
	// write that is under way, and what is still to be written. An error means
	// that the connection is closed, and then they end by themselves.
	_ = c.link.Conn.SetDeadline(c.closeBy)
	c.wake()
	c.mu.Unlock()
	c.cancel(end)
}

// abort ends the connection without a word.
func (c *Conn) abort(end End) {
	c.mu.Lock()
	if c.life == open {
		c.end = end
	}
	c.life = closed
	c.queue = nil
	c.stopPings()
	c.mu.Unlock()
	c.cancel(end)
	_ = c.link.Close() // refused if it is closed already
}

func (c *Conn) stopPings() {
	if c.pinger != nil {
		c.pinger.Stop()
	}
}

// ended reports whether the end has begun.
func (c *Conn) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life != open
}

// wake starts the writer if there is none. The caller holds mu.
func (c *Conn) wake() {
	if c.writing || c.life == closed {
		return
	}
	c.writing = true
	c.writers.Add(1)
	go c.write()
}

// write is the writer: it writes until nothing is left to write.
func (c *Conn) write() {
	defer c.writers.Done()
	for {
		b, ok := c.next()
		if !ok {
			return
		}
		if err := c.put(b); err != nil {
			code := CloseLost
			if isTimeout(err) {
				code = CloseTooSlow // it cannot be told so: its connection is stuck in the middle of a frame
			}
			c.abort(End{Code: code, Err: err})
			return
		}
		c.wrote(b)
	}
}

// batch is what is written in one go.
type batch struct {
	frames [][]byte
	bytes  int
	ping   bool
	pong   *string
	close  []byte // the close frame's content; nil if it is not its turn
}

// next takes the next batch out of the queue, or ends the writer.
func (c *Conn) next() (batch, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b batch
	if c.life == closed {
		c.writing = false
		return b, false
	}
	b.ping, c.ping = c.ping && c.life == open, false
	b.pong, c.pong = c.pong, nil
	n := 0
	for n < len(c.queue) && (n == 0 || b.bytes+len(c.queue[n]) <= batchBytes) {
		b.bytes += len(c.queue[n])
		n++
	}
	b.frames = c.queue[:n]
	if c.queue = c.queue[n:]; len(c.queue) == 0 {
		c.queue = nil
		if c.life == closing && !c.said {
			c.said = true
			b.close = c.end.message()
		}
	}
	if n == 0 && !b.ping && b.pong == nil && b.close == nil {
		c.writing = false
		return b, false
	}
	return b, true
}

// message is what the close frame says: our code, or the client's own again.
func (e End) message() []byte {
	if e.PeerCode != 0 {
		return websocket.FormatCloseMessage(e.PeerCode, "")
	}
	return websocket.FormatCloseMessage(int(e.Code), e.Code.String()+":"+string(e.Code.Back()))
}

// put writes a batch: gorilla makes frames of it in the link's memory, and then
// it goes out as one.
func (c *Conn) put(b batch) error {
	if err := c.frame(b); err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		return err
	}
	if err := c.writeUntil(); err != nil {
		return err
	}
	return c.link.flush()
}

// frame gives a batch to gorilla. After a close frame, gorilla's own for a
// broken frame included, it gets [websocket.ErrCloseSent], and is done.
func (c *Conn) frame(b batch) error {
	if b.pong != nil {
		if err := c.ws.WriteControl(websocket.PongMessage, []byte(*b.pong), time.Time{}); err != nil {
			return err
		}
	}
	if b.ping {
		if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Time{}); err != nil {
			return err
		}
	}
	for _, f := range b.frames {
		c.ws.EnableWriteCompression(len(f) > c.options.CompressAbove)
		if err := c.ws.WriteMessage(websocket.TextMessage, f); err != nil {
			return err
		}
	}
	if b.close == nil {
		return nil
	}
	return c.ws.WriteControl(websocket.CloseMessage, b.close, time.Time{})
}

// writeUntil sets the deadline of the write that comes next.
func (c *Conn) writeUntil() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := time.Now().Add(c.options.WriteTimeout)
	if c.life == closing && c.closeBy.Before(by) {
		by = c.closeBy
	}
	return c.link.Conn.SetWriteDeadline(by)
}

// wrote makes room for what was written.
func (c *Conn) wrote(b batch) {
	c.mu.Lock()
	c.frames -= len(b.frames)
	c.bytes -= b.bytes
	c.mu.Unlock()
	clear(b.frames) // their array may live on in the queue
}

// pingDue asks the client for a sign of life, and will ask again.
func (c *Conn) pingDue() {
	c.mu.Lock()
	if c.life == open {
		c.ping, c.asked = true, true
		c.wake()
		c.pinger.Reset(c.options.PingEvery)
	}
	c.mu.Unlock()
}

// pinged answers the client's ping; of several that wait, the last, as RFC 6455
// allows.
func (c *Conn) pinged(data string) error {
	if !c.limiter.allow() {
		c.Close(CloseTooManyFrames)
		return nil
	}
	c.heard()
	c.mu.Lock()
	if c.life == open {
		c.pong = &data
		c.wake()
	}
	c.mu.Unlock()
	return nil
}

// ponged takes the client's pong. One that answers our ping is free; more than
// that count as frames.
func (c *Conn) ponged(string) error {
	c.mu.Lock()
	asked := c.asked
	c.asked = false
	c.mu.Unlock()
	if !asked && !c.limiter.allow() {
		c.Close(CloseTooManyFrames)
		return nil
	}
	c.heard()
	return nil
}

// heard takes a control frame as a sign of life; but a frame once begun must
// arrive in time, pings between its parts or not.
func (c *Conn) heard() {
	if !c.inFrame {
		c.listen()
	}
}

// listen gives the client time for its next sign of life.
func (c *Conn) listen() {
	c.mu.Lock()
	if c.life == open {
		// An error means closed, and the next read will say so.
		_ = c.link.SetReadDeadline(time.Now().Add(c.options.PeerTimeout))
	}
	c.mu.Unlock()
}

// read is the reader. It ends when nothing more can be read; after the end has
// begun it reads on and throws away, until the client has closed as well.
func (c *Conn) read(ctx context.Context, handle func(context.Context, *Conn, Request)) error {
	for {
		c.inFrame = false
		c.listen()
		kind, r, err := c.ws.NextReader()
		if err != nil {
			return err
		}
		c.inFrame = true
		c.listen()
		switch {
		case c.ended():
		case !c.limiter.allow():
			c.Close(CloseTooManyFrames)
		case kind != websocket.TextMessage:
			c.Close(CloseUnsupported)
		default:
			if err := c.aside(func() error { return c.take(ctx, r, handle) }); err != nil {
				return err
			}
		}
	}
}

// aside runs a part of the reader's work on a stack of its own, while the reader
// waits. Unpacking, decoding and handling need a deep stack once in a while; on
// the reader's it would stay for as long as the connection does nothing (4 KiB
// of 11 that a connection then kept).
func (*Conn) aside(work func() error) error {
	done := make(chan error, 1)
	go func() {
		err := net.ErrClosed // stays, if a handler ends the goroutine, as a failing test does
		defer func() { done <- err }()
		err = work()
	}()
	return <-done
}

// take reads one frame and has it handled.
func (c *Conn) take(ctx context.Context, r io.Reader, handle func(context.Context, *Conn, Request)) error {
	var b bytes.Buffer
	// gorilla's limit counts the bytes on the wire; a kilobyte of these can
	// unpack to a megabyte.
	n, err := b.ReadFrom(io.LimitReader(r, c.options.ReadLimit+1))
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF):
		c.shut(End{Code: CloseBadText, Err: err})
		return nil
	case err != nil:
		return err
	case n > c.options.ReadLimit:
		c.Close(CloseTooBig)
		return nil
	case !utf8.Valid(b.Bytes()):
		c.Close(CloseBadText)
		return nil
	}
	c.inFrame = false
	req, err := DecodeRequest(b.Bytes())
	switch {
	case err == nil:
		c.handle(ctx, req, handle)
	case req.ID == "":
		c.shut(End{Code: CloseBadFrame, Err: err})
	default:
		_ = c.Send(EncodeError(req.ID, err)) // refused only if the end has begun
	}
	return nil
}

func (c *Conn) handle(ctx context.Context, req Request, handle func(context.Context, *Conn, Request)) {
	defer func() {
		if p := recover(); p != nil {
			c.shut(End{Code: CloseFailed, Err: fmt.Errorf("realtime: panic in the handler of %q: %v\n%s", req.Do, p, debug.Stack())})
		}
	}()
	handle(ctx, c, req)
}

// finish ends the connection after the reader has ended with err.
func (c *Conn) finish(err error) {
	linger := false
	var peer *websocket.CloseError
	var network net.Error
	switch {
	case errors.As(err, &peer) && peer.Code != websocket.CloseAbnormalClosure:
		c.shut(End{Code: CloseNormal, PeerCode: peer.Code})
	case errors.Is(err, websocket.ErrReadLimit):
		c.shut(End{Code: CloseTooBig})
		linger = true
	case isTimeout(err):
		c.shut(End{Code: CloseSilent})
	case peer != nil, errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		c.abort(End{Code: CloseLost, Err: err})
	default: // what gorilla has against the client's frames
		c.shut(End{Code: CloseProtocol, Err: err})
		linger = true
	}
	c.writers.Wait() // not long: every write has a deadline
	if linger {
		c.drain()
	}
	c.abort(End{})
}

// drain waits for the client to close. It is for an end that the reader began:
// to close a connection with unread bytes in it resets it, and the client might
// never see the close frame.
func (c *Conn) drain() {
	if half, ok := c.link.Conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	_, _ = io.Copy(io.Discard, c.link) // until the client closes, or the deadline set by shut
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
