package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"time"

	"hezuo/store"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// limiter is a sliding window.
type limiter struct {
	mu   sync.Mutex
	now  func() time.Time
	used map[string][]time.Time
	down error
}

func (l *limiter) Allow(_ context.Context, key string, events int, per time.Duration) (bool, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down != nil {
		return false, 0, l.down
	}
	var recent []time.Time
	for _, t := range l.used[key] {
		if l.now().Sub(t) < per {
			recent = append(recent, t)
		}
	}
	if len(recent) >= events {
		return false, per - l.now().Sub(recent[0]), nil
	}
	l.used[key] = append(recent, l.now())
	return true, 0, nil
}

// phones receives messages.
type phones struct {
	mu   sync.Mutex
	got  []Message
	down error
}

func (p *phones) Send(_ context.Context, m Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down != nil {
		return p.down
	}
	p.got = append(p.got, m)
	return nil
}

func (p *phones) last() Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[len(p.got)-1]
}

// recorder notes what a store is asked, without what tells people apart.
type recorder struct {
	store.DB
	mu     sync.Mutex
	ops    []string
	failed error // of reading a document
}

func (r *recorder) note(op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	ops := r.ops
	r.ops = nil
	return ops
}

func (r *recorder) Get(ctx context.Context, collection, id string) (*store.Document, error) {
	r.note("get " + collection)
	if r.failed != nil {
		return nil, r.failed
	}
	return r.DB.Get(ctx, collection, id)
}

func (r *recorder) Find(ctx context.Context, q store.Query) ([]store.Match, error) {
	r.note("find " + q.Collection)
	return r.DB.Find(ctx, q)
}

func (r *recorder) Write(ctx context.Context, wr store.Write) error {
	r.note("write " + wr.Collection)
	return r.DB.Write(ctx, wr)
}

// pair is a device key with its private part.
type pair struct {
	private    *ecdsa.PrivateKey
	jwk        []byte // as WebCrypto exports it
	thumbprint string
}

func newPair(t *testing.T) pair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	x, y := b64(point[1:33]), b64(point[33:])
	// The thumbprint as RFC 7638 says, and not by the code under test.
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, x, y))
	return pair{
		private:    private,
		jwk:        fmt.Appendf(nil, `{"crv":"P-256","ext":true,"key_ops":["verify"],"kty":"EC","x":"%s","y":"%s"}`, x, y),
		thumbprint: b64(sum[:]),
	}
}

// sign signs as WebCrypto does.
func (p pair) sign(t *testing.T, data []byte) string {
	t.Helper()
	sum := sha256.Sum256(data)
	r, s, err := ecdsa.Sign(rand.Reader, p.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return base64.RawURLEncoding.EncodeToString(sig)
}

// request has a code sent to a principal and makes the request for a new key.
func (w *world) request(p Principal, key pair, older *pair) KeyRequest {
	w.t.Helper()
	sent, err := w.s.SendOwnCode(w.ctx, w.cmd(), p, PurposeDeviceKey, address)
	w.must(err)
	challenge := Challenge(p.Person, key.thumbprint, sent.ID)
	req := KeyRequest{
		Key: key.jwk, Label: nameA + "的手机", Code: CodeGiven{ID: sent.ID, Digits: w.phones.last().Code},
		Possession: key.sign(w.t, challenge),
	}
	if older != nil {
		req.Vouched = &Vouched{By: older.thumbprint, Signature: older.sign(w.t, challenge)}
	}
	return req
}
