package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/fault"
	"hezuo/realtime"
)

// How a socket keeps time.
const (
	silence    = 75 * time.Second // without a sign of life from the server, which pings every 25 s
	writeFor   = 10 * time.Second // that a write may take
	livedLong  = 10 * time.Second // after which a connection was good, and the backoff begins anew
	laterAfter = 5                // attempts for which a server counts that says: come back later
)

// ErrClosed says that the socket was closed on this side.
var ErrClosed = errors.New("the socket is closed")

// Socket is one websocket with the rooms joined on it. It comes back when the
// connection is lost, joins its rooms again from the last entry that it has, and
// sends again, under the same ids, what has no answer yet.
type Socket struct {
	c      *Client
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of the socket runs any more
	wmu    sync.Mutex    // held while writing; mu is not held then

	mu      sync.Mutex // guards what follows
	conn    *websocket.Conn
	pending map[string]*pending
	rooms   map[string]*room
	count   uint64 // of requests
	err     error  // why it has ended
}

// pending is a request without an answer.
type pending struct {
	id    string
	frame []byte
	order uint64
	joins *room
	done  chan reply
}

// reply is what a request gets.
type reply struct {
	body json.RawMessage
	err  error
}

// Socket opens a websocket. ctx bounds the first connection alone; [Socket.Close]
// ends the socket.
func (c *Client) Socket(ctx context.Context) (*Socket, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Socket{c: c, cancel: cancel, done: make(chan struct{}), pending: map[string]*pending{}, rooms: map[string]*room{}}
	go s.run(life, conn)
	return s, nil
}

// Close ends the socket and waits until nothing of it runs any more.
func (s *Socket) Close() {
	s.cancel()
	<-s.done
}

// dial gets a ticket and opens a connection with it.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	ticket, err := Post[struct {
		SocketURL string `json:"socket_url"`
	}](ctx, c, "/v1/me/socket-tickets", nil)
	if err != nil {
		return nil, err
	}
	d := websocket.Dialer{HandshakeTimeout: writeFor, Proxy: http.ProxyFromEnvironment}
	url := "ws" + strings.TrimPrefix(c.base, "http") + ticket.SocketURL // https becomes wss
	conn, res, err := d.DialContext(ctx, url, nil)
	if err != nil && res != nil {
		_ = res.Body.Close() // gorilla has read what there is
	}
	return conn, err
}

// Do sends a request and waits for its answer. A refusal is a [*Problem]. When ctx
// ends first it is not known whether the request was done.
func (s *Socket) Do(ctx context.Context, do realtime.Do, room string, body any) (json.RawMessage, error) {
	r := realtime.Request{Do: do, Room: room}
	if body != nil {
		var err error
		if r.Body, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	p, err := s.send(r, nil)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-p.done:
		return r.body, r.err
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.pending, p.id)
		s.mu.Unlock()
		return nil, ctx.Err()
	}
}

// send notes a request and writes it, if there is a connection; else the next one
// gets it.
func (s *Socket) send(r realtime.Request, joins *room) (*pending, error) {
	r.ID = rand.Text()
	frame, err := realtime.EncodeRequest(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.err != nil {
		defer s.mu.Unlock()
		return nil, s.err
	}
	s.count++
	p := &pending{id: r.ID, frame: frame, order: s.count, joins: joins, done: make(chan reply, 1)}
	s.pending[p.id] = p
	conn := s.conn
	s.mu.Unlock()
	if conn != nil {
		s.write(conn, frame)
	}
	return p, nil
}

// write writes a frame. Where that fails the reader finds out, and what has no
// answer is written again to the next connection.
func (s *Socket) write(conn *websocket.Conn, frame []byte) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	_ = conn.SetWriteDeadline(time.Now().Add(writeFor)) // gorilla's never fails
	if conn.WriteMessage(websocket.TextMessage, frame) != nil {
		_ = conn.Close()
	}
}

// run keeps the socket connected until ctx ends or the server says to stay away.
func (s *Socket) run(ctx context.Context, conn *websocket.Conn) {
	defer close(s.done)
	for try := 0; ; {
		began := time.Now()
		end := s.live(ctx, conn)
		if time.Since(began) > livedLong {
			try = 0
		}
		var err error
		switch back := backOf(end); {
		case ctx.Err() != nil:
			err = ErrClosed
		case back == realtime.BackNever, back == realtime.BackSignIn:
			err = fmt.Errorf("the server ended the socket: %w", end)
		default:
			if back == realtime.BackLater {
				try = max(try, laterAfter)
			}
			conn, err = s.reconnect(ctx, &try)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// reconnect tries until there is a connection. It gives up when the session is
// over, or ctx.
func (s *Socket) reconnect(ctx context.Context, try *int) (*websocket.Conn, error) {
	for {
		*try++
		if s.c.again.pause(ctx, *try) != nil {
			return nil, ErrClosed
		}
		conn, err := s.c.dial(ctx)
		var p *Problem
		if err == nil || errors.As(err, &p) && (p.Code == fault.Unauthenticated || p.Code == fault.Forbidden) {
			return conn, err
		}
	}
}

// live serves one connection until it ends, and tells how it did.
func (s *Socket) live(ctx context.Context, conn *websocket.Conn) error {
	stop := context.AfterFunc(ctx, func() {
		bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second)) // a courtesy
		_ = conn.Close()
	})
	defer stop()
	defer func() { _ = conn.Close() }()
	conn.SetPingHandler(func(data string) error {
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeFor))
	})
	if err := s.attach(conn); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
	}()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		_, data, err := conn.ReadMessage()
		if err == nil {
			err = s.took(data)
		}
		if err != nil {
			return err
		}
	}
}

// attach makes a connection the socket's: the rooms are joined on it, and what has
// no answer is sent.
func (s *Socket) attach(conn *websocket.Conn) error {
	s.mu.Lock()
	maps.DeleteFunc(s.pending, func(_ string, p *pending) bool { return p.joins != nil }) // of the connection before
	waiting := slices.SortedFunc(maps.Values(s.pending), func(a, b *pending) int { return cmp.Compare(a.order, b.order) })
	rooms := slices.Collect(maps.Values(s.rooms))
	s.conn = conn
	s.mu.Unlock()
	for _, r := range rooms {
		if err := s.enter(r, r.last); err != nil {
			return err
		}
	}
	for _, p := range waiting {
		s.write(conn, p.frame)
	}
	return nil
}

// end tells everyone who waits why there is nothing more to wait for.
func (s *Socket) end(err error) {
	s.mu.Lock()
	s.err = err
	waiting, rooms := s.pending, s.rooms
	s.pending, s.rooms = nil, nil
	s.mu.Unlock()
	for _, p := range waiting {
		p.done <- reply{err: err}
	}
	for _, r := range rooms {
		r.end(err)
	}
}

// backOf tells what a client should do after its connection ended: what the close
// frame's text says, such as "too_slow:now", or else its code.
func backOf(end error) realtime.Back {
	var ce *websocket.CloseError
	if !errors.As(end, &ce) {
		return realtime.BackNow // it broke
	}
	if _, back, ok := strings.Cut(ce.Text, ":"); ok {
		return realtime.Back(back)
	}
	code := realtime.Code(ce.Code) //nolint:gosec // a close code has 16 bits
	if !code.Known() {
		return realtime.BackNow
	}
	return code.Back()
}

// frame is what the server sends: an answer if it has Re, else a push.
type frame struct {
	Re    string          `json:"re"`
	Body  json.RawMessage `json:"body"`
	Error *struct {
		Code    fault.Code `json:"code"`
		Message string     `json:"message"`
		Field   string     `json:"field"`
		Fix     string     `json:"fix"`
	} `json:"error"`
	Log  string    `json:"log"`
	N    int64     `json:"n"`
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
}

// took takes a frame to where it belongs. An answer for which nobody waits any
// more, a room that is not joined and a passing state are nobody's.
func (s *Socket) took(data []byte) error {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("a frame that is none: %w", err)
	}
	s.mu.Lock()
	p, r := s.pending[f.Re], s.rooms[f.Log]
	delete(s.pending, f.Re)
	s.mu.Unlock()
	switch {
	case f.Re == "" && r != nil && f.N > 0:
		return s.pushed(r, realtime.Entry{N: f.N, Kind: f.Kind, At: f.At, Body: f.Body})
	case p == nil:
		return nil
	}
	out := reply{body: f.Body}
	if e := f.Error; e != nil {
		problem := &Problem{Code: e.Code, Detail: e.Message, Fix: e.Fix}
		if e.Field != "" {
			problem.Errors = map[string]Wrong{e.Field: {e.Message, e.Fix}}
		}
		out.err = problem
	}
	if p.joins != nil {
		return s.joined(p.joins, out)
	}
	p.done <- out
	return nil
}
