package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/notify"
	"hezuo/store"
)

// inboxRoom is what a client calls its own inbox.
const inboxRoom = "inbox"

// maxRooms is how many logs one connection may join.
const maxRooms = 64

// Sockets serves the clients' connections.
type Sockets struct {
	cfg   SocketsConfig
	hub   *Hub
	group Group
}

// SocketsConfig is what [Sockets] needs. All of it is required but Options, whose
// zero fields mean their defaults, and Recheck.
type SocketsConfig struct {
	Identity   *identity.Service
	Board      *market.Board
	Handshakes *matching.Handshakes
	Rooms      *Rooms
	Hub        *Hub
	Options    Options
	// Recheck is how often a connection's session and rooms are looked at again;
	// 0: a minute.
	Recheck time.Duration
	Now     func() time.Time
	Logger  *slog.Logger
}

// NewSockets gives the sockets of a node.
func NewSockets(cfg SocketsConfig) *Sockets {
	or(&cfg.Recheck, time.Minute)
	return &Sockets{cfg: cfg, hub: cfg.Hub}
}

// Len gives how many connections there are.
func (s *Sockets) Len() int { return s.group.Len() }

// Close sends every client away to come back later, to another node, and waits
// until all are gone, or ctx ends.
func (s *Sockets) Close(ctx context.Context) error {
	err := s.group.CloseAll(ctx, CloseGoingAway)
	s.hub.Wait()
	return err
}

// Serve serves one client, whose ticket was redeemed, until the connection ends.
func (s *Sockets) Serve(ctx context.Context, p identity.Principal, ws *websocket.Conn) {
	c := &client{sockets: s, principal: p, left: map[string]func(){}}
	options := s.cfg.Options
	options.Group = &s.group
	options.Now = s.cfg.Now
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options.Opened = func(conn *Conn) { c.watch(ctx, conn) }
	end := Serve(ctx, ws, options, c.handle)
	cancel()
	c.unwatch()
	for _, leave := range c.left {
		leave()
	}
	if end.Code == CloseFailed {
		s.cfg.Logger.ErrorContext(ctx, "a connection failed", "session", p.Session, "error", end.Err)
	}
}

// client is what the house knows of a connection.
type client struct {
	sockets   *Sockets
	principal identity.Principal

	mu   sync.Mutex // guards left
	left map[string]func()

	looking sync.Mutex // held while the connection is looked at again
	again   *time.Timer
}

// watch has the connection looked at now and then: it ends when its session ends,
// and leaves rooms that the person may not be in any more. A timer costs an idle
// connection less than a goroutine that waits.
func (c *client) watch(ctx context.Context, conn *Conn) {
	c.looking.Lock()
	defer c.looking.Unlock()
	c.again = time.AfterFunc(c.sockets.cfg.Recheck, func() {
		c.looking.Lock()
		defer c.looking.Unlock()
		if ctx.Err() != nil {
			return
		}
		c.look(ctx, conn)
		c.again.Reset(c.sockets.cfg.Recheck)
	})
}

// unwatch ends that, after the connection's context has ended.
func (c *client) unwatch() {
	c.looking.Lock()
	defer c.looking.Unlock()
	if c.again != nil {
		c.again.Stop()
	}
}

func (c *client) look(ctx context.Context, conn *Conn) {
	if ok, err := c.sockets.cfg.Identity.SessionActive(ctx, c.principal.Session); err == nil && !ok {
		conn.Close(CloseSessionEnded)
		return
	}
	by, err := c.sockets.cfg.Board.Caller(ctx, c.principal)
	if err != nil {
		return // the next look will tell
	}
	c.mu.Lock()
	rooms := make([]string, 0, len(c.left))
	for room := range c.left {
		rooms = append(rooms, room)
	}
	c.mu.Unlock()
	for _, room := range rooms {
		if room == inboxRoom {
			continue
		}
		if _, err := c.sockets.cfg.Rooms.Enter(ctx, by, room); fault.Is(err, fault.NotFound) {
			c.leave(room)
		}
	}
}

func (c *client) leave(room string) {
	c.mu.Lock()
	leave := c.left[room]
	delete(c.left, room)
	c.mu.Unlock()
	if leave != nil {
		leave()
	}
}

// handle does one request and answers it once.
func (c *client) handle(ctx context.Context, conn *Conn, req Request) {
	body, answered, err := c.do(ctx, conn, req)
	if answered {
		return
	}
	var frame []byte
	if err == nil {
		frame, err = EncodeAnswer(req.ID, body)
	}
	if err != nil {
		if fault.Is(err, fault.Internal) {
			c.sockets.cfg.Logger.ErrorContext(ctx, "a request on a socket failed", "do", req.Do, "error", err)
		}
		frame = EncodeError(req.ID, err)
	}
	_ = conn.Send(frame) // refused only if the end has begun
}

// do does one request. answered says that it was answered already.
func (c *client) do(ctx context.Context, conn *Conn, req Request) (body any, answered bool, err error) {
	if req.Do == DoPing {
		return nil, false, nil
	}
	if req.Do == DoLeave {
		c.leave(req.Room)
		return nil, false, nil
	}
	if ok, err := c.sockets.cfg.Identity.SessionActive(ctx, c.principal.Session); err != nil {
		return nil, false, err
	} else if !ok {
		conn.Close(CloseSessionEnded)
		return nil, true, nil
	}
	by, err := c.sockets.cfg.Board.Caller(ctx, c.principal)
	if err != nil {
		return nil, false, err
	}
	switch req.Do {
	case DoJoin:
		return c.join(ctx, conn, by, req)
	case DoSay:
		body, err = c.say(ctx, by, req)
	case DoPropose, DoAccept, DoWithdraw:
		body, err = c.act(ctx, by, req)
	default:
		err = fault.Field("do", "there is no such act", "use one of join, leave, say, propose, accept, withdraw, ping")
	}
	return body, false, err
}

func (c *client) join(ctx context.Context, conn *Conn, by market.Caller, req Request) (any, bool, error) {
	about, log := "inbox", notify.InboxLog(by.Person)
	if req.Room != inboxRoom {
		it, err := c.sockets.cfg.Rooms.Enter(ctx, by, req.Room)
		if err != nil {
			return nil, false, err
		}
		about, log = "room", matching.RoomLog(it.ID)
	}
	c.mu.Lock()
	full := len(c.left) >= maxRooms && c.left[req.Room] == nil
	c.mu.Unlock()
	if full {
		return nil, false, fault.New(fault.TooMany, "this connection is in %d rooms", maxRooms).WithFix("leave one first")
	}
	c.leave(req.Room) // joining again is joining anew
	var since int64
	if req.Since != nil {
		since = *req.Since
	}
	leave, err := c.sockets.hub.join(ctx, conn, req, about, req.Room, log, since)
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrSlow) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	if leave != nil {
		c.mu.Lock()
		c.left[req.Room] = leave
		c.mu.Unlock()
	}
	return nil, true, nil
}

// number is the answer to a message: its number in the room.
type number struct {
	N int64 `json:"n"`
}

func (c *client) say(ctx context.Context, by market.Caller, req Request) (any, error) {
	var in struct {
		Text string `json:"text"`
	}
	if err := req.Decode(&in); err != nil {
		return nil, err
	}
	n, err := c.sockets.cfg.Rooms.Say(ctx, by, req.Room, req.ID, in.Text, c.sockets.cfg.Now())
	return number{n}, err
}

// acted is the answer to what changed a handshake.
type acted struct {
	State matching.State `json:"state"`
	Rev   int64          `json:"rev"`
	Terms string         `json:"terms,omitempty"` // hash of the newest
}

func (c *client) act(ctx context.Context, by market.Caller, req Request) (any, error) {
	var in struct {
		As     matching.Role `json:"as"`
		Terms  *market.Terms `json:"terms"`
		After  string        `json:"after"` // of a proposal: the hash that it answers
		Hash   string        `json:"hash"`  // of an acceptance
		Reason string        `json:"reason"`
	}
	if err := req.Decode(&in); err != nil {
		return nil, err
	}
	h := c.sockets.cfg.Handshakes
	e := matching.Event{As: in.As, Hash: in.Hash, Reason: in.Reason}
	cmd := by.Command("socket/"+by.Person+"/"+req.ID, c.sockets.cfg.Now())
	var it store.Item[matching.Handshake]
	var err error
	switch req.Do {
	case DoPropose:
		if in.Terms == nil {
			return nil, fault.Field("terms", "the terms are missing", "send them whole")
		}
		e.Terms, e.Hash = *in.Terms, in.After
		it, err = h.Propose(ctx, by, cmd, req.Room, e)
	case DoAccept:
		it, err = h.Accept(ctx, by, cmd, req.Room, e)
	default:
		it, err = h.Withdraw(ctx, by, cmd, req.Room, e)
	}
	if err != nil {
		return nil, err
	}
	out := acted{State: it.Doc.State, Rev: it.Rev}
	if n := it.Doc.Newest(); n != nil {
		out.Terms = n.Hash
	}
	return out, nil
}
