package identity

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"hezuo/vault"
)

// Message is a code on its way to a phone.
type Message struct {
	ID       string // the same for every repeat of this message
	Phone    string // in clear
	Purpose  Purpose
	Code     string
	ValidFor time.Duration
}

// Sender sends messages. No error of it holds the phone or the code: errors are
// logged. An error means that the message was not sent, or that it is not known.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ConsoleSender writes codes to w in place of sending them, the phones masked. It
// is for development: whoever reads w can sign in as anybody.
func ConsoleSender(w io.Writer) Sender { return &consoleSender{w: w} }

type consoleSender struct {
	mu sync.Mutex // one line at a time
	w  io.Writer
}

func (c *consoleSender) Send(_ context.Context, m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintf(c.w, "code for %s (%s, %d min): %s\n", vault.MaskPhone(m.Phone), m.Purpose, int(m.ValidFor.Minutes()), m.Code)
	return err
}
