package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hezuo/bus"
	"hezuo/fault"
)

// pollLogs is how long a feed goes without a wake-up before it looks anyway: for
// what another process has written.
const pollLogs = 2 * time.Second

// joinPage is how many entries one answer to a join brings.
const joinPage = 100

// Hub brings the entries of logs to the connections that joined them. It has one
// goroutine for each log that somebody on this node has joined.
type Hub struct {
	rooms *Rooms
	waker bus.Waker
	log   *slog.Logger

	mu    sync.Mutex // guards feeds
	feeds map[string]*feed
	done  sync.WaitGroup
}

// NewHub gives the hub of a node.
func NewHub(rooms *Rooms, waker bus.Waker, log *slog.Logger) *Hub {
	return &Hub{rooms: rooms, waker: waker, log: log, feeds: map[string]*feed{}}
}

// feed is one log with those who joined it.
type feed struct {
	hub    *Hub
	name   string // the log
	about  string // "room" or "inbox"
	room   string // what clients call it
	cancel context.CancelFunc
	poke   chan struct{} // gets a value when a connection becomes live

	mu    sync.Mutex // guards what follows
	begun bool       // the pump has begun to read
	last  int64      // behind this number the pump reads on; every live connection has it
	subs  map[*sub]struct{}
}

// sub is one connection's place in a feed.
type sub struct {
	conn *Conn
	sent int64 // the newest number that the connection was given
	live bool  // the pump serves it; else its joiner does
}

// joined is the answer to a join.
type joined struct {
	Room    string  `json:"room"`
	Entries []Entry `json:"entries"`
	Last    int64   `json:"last"`           // the newest number that the client then has
	More    bool    `json:"more,omitempty"` // there is more: join again with since = last
}

// join adds a connection to a log from a number on, answers the request, and
// serves what comes after. It gives the function that ends it; nil when the
// client must join again for more.
func (h *Hub) join(ctx context.Context, c *Conn, req Request, about, room, log string, since int64) (leave func(), err error) {
	s := &sub{conn: c, sent: since}
	f := h.enter(about, room, log, s)
	leave = func() { h.leave(f, s) }

	entries, err := h.rooms.read(ctx, log, since, joinPage+1)
	if err != nil {
		leave()
		return nil, err
	}
	more := len(entries) > joinPage
	if more {
		entries = entries[:joinPage]
	}
	if n := len(entries); n > 0 {
		s.sent = entries[n-1].N
	}
	frame, err := EncodeAnswer(req.ID, joined{Room: room, Entries: entries, Last: s.sent, More: more})
	if err == nil {
		err = c.Send(frame)
	}
	if err != nil || more {
		leave()
		return nil, err
	}
	if err := h.catchUp(ctx, f, s); err != nil {
		leave()
		c.Close(CloseFailed) // it was told that it has joined; coming back, it knows what it has
		return nil, err
	}
	return leave, nil
}

// catchUp sends what came while the join was answered, until the pump can take
// over without a gap.
func (h *Hub) catchUp(ctx context.Context, f *feed, s *sub) error {
	for {
		f.mu.Lock()
		s.live = !f.begun || s.sent >= f.last
		live := s.live
		f.mu.Unlock()
		if live {
			select { // what came while nobody was live was handed to nobody
			case f.poke <- struct{}{}:
			default:
			}
			return nil
		}
		entries, err := h.rooms.read(ctx, f.name, s.sent, joinPage)
		if err != nil {
			return err
		}
		for _, e := range entries {
			frame, err := f.push(e)
			if err != nil {
				return err
			}
			if err := s.conn.Send(frame); err != nil {
				return err
			}
			s.sent = e.N
		}
	}
}

func (f *feed) push(e Entry) ([]byte, error) {
	return EncodePush(Push{Push: f.about, Log: f.room, N: e.N, Kind: e.Kind, At: e.At, Body: e.Body})
}

// enter gives a connection a place in the feed of a log, and starts the feed's pump
// if it is the first. Both under the hub's lock: a feed with a place taken is not
// ended by the last one who leaves.
func (h *Hub) enter(about, room, log string, s *sub) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.feeds[log]
	if f == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f = &feed{hub: h, name: log, about: about, room: room, cancel: cancel, poke: make(chan struct{}, 1), subs: map[*sub]struct{}{}}
		h.feeds[log] = f
		wake, stop := h.waker.Listen(log)
		h.done.Go(func() {
			defer stop()
			f.pump(ctx, wake)
		})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subs[s] = struct{}{}
	return f
}

// leave ends a connection's place, and the feed's pump with the last one.
func (h *Hub) leave(f *feed, s *sub) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subs, s)
	if len(f.subs) == 0 && h.feeds[f.name] == f {
		delete(h.feeds, f.name)
		f.cancel()
	}
}

// Wait waits until every pump has ended: all do once every connection has left.
func (h *Hub) Wait() { h.done.Wait() }

// pump hands new entries of the log to those who are live, until the last one has
// left.
func (f *feed) pump(ctx context.Context, wake <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-f.poke:
		case <-timer.C:
		}
		if err := f.drain(ctx); err != nil && !errors.Is(err, context.Canceled) {
			f.hub.log.ErrorContext(ctx, "a log could not be read for its listeners", "log", f.name, "error", err)
		}
		timer.Reset(pollLogs)
	}
}

// drain hands out all that is new.
func (f *feed) drain(ctx context.Context) error {
	for {
		from, ok := f.from()
		if !ok {
			return nil
		}
		entries, err := f.hub.rooms.read(ctx, f.name, from, joinPage)
		if err != nil {
			return err
		}
		for _, e := range entries {
			frame, err := f.push(e)
			if err != nil {
				return err
			}
			for _, c := range f.takers(e.N) {
				if err := c.Send(frame); err != nil && !fault.Is(err, fault.Gone) && !fault.Is(err, fault.TooMany) {
					return err
				}
			}
		}
		if len(entries) < joinPage {
			return nil
		}
	}
}

// from gives the number behind which the pump reads on. It begins behind the oldest
// number that a live connection has; from then on nobody goes live who has less
// than the pump has read.
func (f *feed) from() (int64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.begun {
		return f.last, true
	}
	for s := range f.subs {
		if s.live && (!f.begun || s.sent < f.last) {
			f.begun, f.last = true, s.sent
		}
	}
	return f.last, f.begun
}

// takers marks an entry as handed out and gives the connections that are to get
// it now.
func (f *feed) takers(n int64) []*Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = max(f.last, n)
	var out []*Conn
	for s := range f.subs {
		if s.live && s.sent < n {
			s.sent = n
			out = append(out, s.conn)
		}
	}
	return out
}
