package sqlite

import (
	"context"
	"sync"
)

// op is one caller's part of a group.
type op struct {
	ctx  context.Context
	size int
	do   func(*tx) error
	// after, if not nil, is called on the writer's goroutine once that is on disk,
	// before anybody writes again.
	after func()
	err   error
	done  chan struct{} // closed when err is final

	// Under queue.mu:
	queued     bool
	prev, next *op
}

// answer gives the caller its answer, if it still waits.
func (o *op) answer(err error) {
	o.err = err
	close(o.done)
}

// queue is the callers that wait for the writer, in the order in which they came.
// A caller whose context ends can leave as long as the writer has not taken it.
type queue struct {
	mu     sync.Mutex
	root   op // of the ring
	closed bool
	wake   chan struct{} // holds a value when there is something to see
}

func newQueue() *queue {
	q := &queue{wake: make(chan struct{}, 1)}
	q.root.prev, q.root.next = &q.root, &q.root
	return q
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// put adds a caller; it reports false when the queue is closed.
func (q *queue) put(o *op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	o.queued = true
	o.prev, o.next = q.root.prev, &q.root
	o.prev.next, q.root.prev = o, o
	q.signal()
	return true
}

// leave takes a caller out. It reports false when the writer has it already.
func (q *queue) leave(o *op) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.unlink(o)
}

func (q *queue) unlink(o *op) bool {
	if !o.queued {
		return false
	}
	o.queued = false
	o.prev.next, o.next.prev = o.next, o.prev
	o.prev, o.next = nil, nil
	return true
}

// take gives the first caller to the writer; nil if there is none.
func (q *queue) take() *op {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.root.next
	if o == &q.root {
		return nil
	}
	q.unlink(o)
	return o
}

// wait returns when a caller waits; it reports false when none does and none
// will.
func (q *queue) wait() bool {
	for {
		q.mu.Lock()
		some, closed := q.root.next != &q.root, q.closed
		q.mu.Unlock()
		if some || closed {
			return some
		}
		<-q.wake
	}
}

// close lets no more callers in.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}
