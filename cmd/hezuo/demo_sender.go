package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"hezuo/identity"
)

// demoSender is the phones of everybody in the demonstration: it keeps the codes for
// those who play in it, and shows them on the console once people are to see them.
type demoSender struct {
	console identity.Sender

	mu    sync.Mutex        // guards what follows
	loud  bool              // whether codes are shown
	codes map[string]string // by message; nil: nobody reads them any more
}

var _ identity.Sender = (*demoSender)(nil)

func newDemoSender(out io.Writer) *demoSender {
	return &demoSender{console: identity.ConsoleSender(out), codes: map[string]string{}}
}

// Send implements [identity.Sender].
func (s *demoSender) Send(ctx context.Context, m identity.Message) error {
	s.mu.Lock()
	if s.codes != nil {
		s.codes[m.ID] = m.Code
	}
	loud := s.loud
	s.mu.Unlock()
	if !loud {
		return nil
	}
	return s.console.Send(ctx, m)
}

// take reads a code from its phone; it is a client's [client.Codes].
func (s *demoSender) take(_ context.Context, id string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.codes[id]
	if !ok {
		return "", fmt.Errorf("no phone got the code %s", id)
	}
	delete(s.codes, id)
	return code, nil
}

// show has codes shown on the console from now on.
func (s *demoSender) show() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loud = true
}

// forget stops keeping codes.
func (s *demoSender) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes = nil
}
