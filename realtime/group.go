package realtime

import (
	"context"
	"sync"
)

// Group knows the connections that live, so that they can be closed when the
// program stops: the HTTP server's shutdown does not know them. Its zero value
// is ready; a nil Group takes everyone and knows nobody.
type Group struct {
	mu    sync.Mutex
	conns map[*Conn]struct{}
	code  Code          // not zero once closed
	empty chan struct{} // closed when the group is closed and empty
}

// Len gives the number of connections that live.
func (g *Group) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// CloseAll closes every connection with the code, and every one that comes
// later, and waits until all are gone. When ctx ends first it cuts them without
// a word and returns ctx's cause; a handler that does not heed its context may
// then still run.
func (g *Group) CloseAll(ctx context.Context, code Code) error {
	empty, conns := g.shut(code)
	for _, c := range conns {
		c.Close(code)
	}
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	_, conns = g.shut(code)
	for _, c := range conns {
		c.Close(CloseLost)
	}
	return context.Cause(ctx)
}

// shut lets nobody in any more, and says who is there.
func (g *Group) shut(code Code) (<-chan struct{}, []*Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.empty == nil {
		g.code, g.empty = code, make(chan struct{})
		if len(g.conns) == 0 {
			close(g.empty)
		}
	}
	conns := make([]*Conn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	return g.empty, conns
}

// add lets c in, or says with which code to send it away.
func (g *Group) add(c *Conn) (Code, bool) {
	if g == nil {
		return 0, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.empty != nil {
		return g.code, false
	}
	if g.conns == nil {
		g.conns = make(map[*Conn]struct{})
	}
	g.conns[c] = struct{}{}
	return 0, true
}

// remove lets c out.
func (g *Group) remove(c *Conn) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.conns[c]; !ok {
		return
	}
	delete(g.conns, c)
	if g.empty != nil && len(g.conns) == 0 {
		close(g.empty)
	}
}
