// Package bus carries what may be lost: that a log has grown, and how often
// somebody has asked. It decides nothing: a lost wake-up costs the time until the
// next look, a lost count lets a few more through.
//
// [Memory] is the bus of one process.
package bus

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Waker tells those who wait for a log that it may have grown.
type Waker interface {
	// Wake tells of a topic. It never blocks.
	Wake(topic string)
	// Listen gives a channel that gets a value after a Wake of the topic;
	// several may become one. stop ends it; the channel is not closed.
	Listen(topic string) (wake <-chan struct{}, stop func())
}

// Limiter counts events by key.
type Limiter interface {
	// Allow reports whether one more of at most events in each span of per is
	// allowed for the key, and if not, when it will be.
	Allow(ctx context.Context, key string, events int, per time.Duration) (ok bool, retryAfter time.Duration, err error)
}

var (
	_ Waker   = (*Memory)(nil)
	_ Limiter = (*Memory)(nil)
)

// Memory is a bus within one process.
type Memory struct {
	now func() time.Time

	mu        sync.Mutex // guards listeners; nothing is called while it is held
	listeners map[string]map[chan struct{}]struct{}

	limitMu  sync.Mutex
	limits   map[string]*rate.Limiter
	swept    time.Time
	capacity int
}

// NewMemory makes a bus for one process.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, listeners: map[string]map[chan struct{}]struct{}{}, limits: map[string]*rate.Limiter{}, capacity: 100_000}
}

// Wake implements [Waker].
func (m *Memory) Wake(topic string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for ch := range m.listeners[topic] {
		select {
		case ch <- struct{}{}:
		default: // it has a value that it has not taken yet
		}
	}
}

// Listen implements [Waker].
func (m *Memory) Listen(topic string) (wake <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listeners[topic] == nil {
		m.listeners[topic] = map[chan struct{}]struct{}{}
	}
	m.listeners[topic][ch] = struct{}{}
	return ch, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners[topic], ch)
		if len(m.listeners[topic]) == 0 {
			delete(m.listeners, topic)
		}
	}
}

// Allow implements [Limiter] with a token bucket a key: events at once, refilled
// evenly over per. A key whose bucket is full again is forgotten.
func (m *Memory) Allow(_ context.Context, key string, events int, per time.Duration) (bool, time.Duration, error) {
	now := m.now()
	m.limitMu.Lock()
	defer m.limitMu.Unlock()
	m.sweep(now)
	l := m.limits[key]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(float64(events)/per.Seconds()), events)
		m.limits[key] = l
	}
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
		return false, wait, nil
	}
	return true, 0, nil
}

// sweep forgets keys whose bucket is full: once a minute, and where there are too
// many keys, once a second. limitMu is held.
func (m *Memory) sweep(now time.Time) {
	every := time.Minute
	if len(m.limits) >= m.capacity {
		every = time.Second
	}
	if now.Sub(m.swept) < every {
		return
	}
	m.swept = now
	for key, l := range m.limits {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(m.limits, key) // a full bucket is as good as none
		}
	}
}
