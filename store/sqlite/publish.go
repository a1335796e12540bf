package sqlite

import (
	"context"
	"sync"
)

// publisher tells of logs that grew, on a goroutine of its own, so that whoever
// listens cannot hold up the writer. What it has not told yet it keeps as one
// number a log.
type publisher struct {
	tell func(log string, n int64)
	wake chan struct{} // holds a value when there is something to tell
	done chan struct{}

	mu      sync.Mutex
	pending map[string]int64
	closed  bool
}

func newPublisher(tell func(string, int64)) *publisher {
	return &publisher{tell: tell, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// add notes logs that grew.
func (p *publisher) add(grown map[string]int64) {
	if p.tell == nil || len(grown) == 0 {
		return
	}
	p.mu.Lock()
	if p.pending == nil {
		p.pending = make(map[string]int64, len(grown))
	}
	for log, n := range grown {
		p.pending[log] = max(n, p.pending[log])
	}
	p.mu.Unlock()
	p.signal()
}

func (p *publisher) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *publisher) run() {
	defer close(p.done)
	for range p.wake {
		p.mu.Lock()
		pending, closed := p.pending, p.closed
		p.pending = nil
		p.mu.Unlock()
		for log, n := range pending {
			p.tell(log, n)
		}
		if closed {
			return
		}
	}
}

// close tells what is left, and waits for that until limit ends.
func (p *publisher) close(limit context.Context) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.signal()
	select {
	case <-p.done:
	case <-limit.Done():
	}
}
