package test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync"

	"hezuo/api/client"
	"hezuo/identity"
	"hezuo/vault"
)

// transcript is what processes wrote, as it comes.
type transcript struct {
	mu    sync.Mutex // guards what follows
	text  bytes.Buffer
	grown chan struct{} // closed, and made anew, with each write
}

func newTranscript() *transcript { return &transcript{grown: make(chan struct{})} }

// Write implements io.Writer.
func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.grown)
	t.grown = make(chan struct{})
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// wait gives what find finds, now or when it has been written.
func (t *transcript) wait(ctx context.Context, find func(text string) (string, bool)) (string, error) {
	for {
		t.mu.Lock()
		text, grown := t.text.String(), t.grown
		t.mu.Unlock()
		if found, ok := find(text); ok {
			return found, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return "", fmt.Errorf("it was never written: %w", ctx.Err())
		}
	}
}

// phonebook reads codes from the servers' standard output, as the people do who
// hold the phones.
type phonebook struct {
	out *transcript

	mu   sync.Mutex
	used map[string]int // how many codes of a phone and purpose were written when the last was taken
}

func newPhonebook() *phonebook { return &phonebook{out: newTranscript(), used: map[string]int{}} }

// code gives how the holder of a phone reads a code for a purpose: the newest one
// that was not read before. The server writes it before it answers.
func (p *phonebook) code(phone string, purpose identity.Purpose) client.Codes {
	line := regexp.MustCompile(regexp.QuoteMeta("code for "+vault.MaskPhone(phone)+" ("+string(purpose)+", ") + `\d+ min\): (\d{6})\n`)
	return func(ctx context.Context, _ string) (string, error) {
		p.mu.Lock()
		used := p.used[line.String()]
		p.mu.Unlock()
		return p.out.wait(ctx, func(text string) (string, bool) {
			found := line.FindAllStringSubmatch(text, -1)
			if len(found) <= used {
				return "", false
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.used[line.String()] = len(found)
			return found[len(found)-1][1], true
		})
	}
}
