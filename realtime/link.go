package realtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// link is the connection as gorilla sees it. While it holds, what gorilla
// writes gathers in memory and goes out in one piece with flush. So no
// goroutine but the one that flushes ever waits on the network to write,
// compressing needs its half megabyte only while it computes, and several
// frames cost one system call.
type link struct {
	net.Conn        // nil until connect
	ahead    []byte // what the client sent right behind its handshake
	pool     *sync.Pool

	mu      sync.Mutex
	holding bool
	held    *bytes.Buffer
}

// connect takes the raw connection out of fasthttp's hands, with what fasthttp
// has read of it beyond the handshake.
func (l *link) connect(hijacked net.Conn) error {
	h, ok := hijacked.(interface{ UnsafeConn() net.Conn })
	if !ok {
		return errors.New("realtime: fasthttp hijacked a connection of an unknown kind")
	}
	raw := h.UnsafeConn()
	// With a deadline in the past the raw connection gives nothing, so what can
	// still be read is what fasthttp's buffer has.
	if err := raw.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	ahead, err := io.ReadAll(hijacked)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("realtime: emptying fasthttp's buffer: %w", err)
	}
	if len(ahead) > 0 {
		l.ahead = ahead
	}
	l.Conn = raw
	return raw.SetReadDeadline(time.Time{})
}

// Read gives first what was read ahead.
func (l *link) Read(p []byte) (int, error) {
	if len(l.ahead) == 0 {
		return l.Conn.Read(p)
	}
	n := copy(p, l.ahead)
	if l.ahead = l.ahead[n:]; len(l.ahead) == 0 {
		l.ahead = nil
	}
	return n, nil
}

// Write gathers p while the link holds, and sends it otherwise.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	if !l.holding {
		l.mu.Unlock()
		return l.Conn.Write(p)
	}
	defer l.mu.Unlock()
	if l.held == nil {
		if b, ok := l.pool.Get().(*bytes.Buffer); ok {
			l.held = b
		} else {
			l.held = new(bytes.Buffer)
		}
	}
	return l.held.Write(p)
}

// hold starts or ends holding; nothing may be held when it ends.
func (l *link) hold(on bool) {
	l.mu.Lock()
	l.holding = on
	l.mu.Unlock()
}

// flush sends what is held. One goroutine at a time may call it, and it sets
// the deadline for it beforehand on the raw connection.
func (l *link) flush() error {
	l.mu.Lock()
	out := l.held
	l.held = nil
	l.mu.Unlock()
	if out == nil {
		return nil
	}
	_, err := l.Conn.Write(out.Bytes())
	if out.Cap() <= keepBatch {
		out.Reset()
		l.pool.Put(out)
	}
	return err
}

// SetDeadline does nothing before the connection is there: gorilla clears the
// deadlines in its handshake, and then there are none.
func (l *link) SetDeadline(t time.Time) error {
	if l.Conn == nil {
		return nil
	}
	return l.Conn.SetDeadline(t)
}

// SetWriteDeadline does nothing while the link holds: gorilla sets one with
// each message, and would cut short a flush that is under way.
func (l *link) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	holding := l.holding
	l.mu.Unlock()
	if holding {
		return nil
	}
	return l.Conn.SetWriteDeadline(t)
}

// Close closes the connection, if it is there.
func (l *link) Close() error {
	if l.Conn == nil {
		return nil
	}
	return l.Conn.Close()
}
