// Package client speaks to the API for programs: the demonstration, tests, and
// whoever wants to see how a client is written. It signs in, keeps its tokens
// fresh, repeats what a lost connection left unknown, signs with a device key and
// holds a websocket open.
//
// It must not know what the server's documents hold: callers bring the types of
// requests and answers. It keeps nothing on disk and has no state but its values.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxAnswer is the largest answer that is read, bytes.
const maxAnswer = 16 << 20

// attempts is how often one call is sent at most.
const attempts = 6

// Client calls the API as one person in one session, or as nobody yet. It is safe
// for many goroutines.
type Client struct {
	base   string
	http   *http.Client
	device string // what this installation calls itself; refresh tokens are good from it alone
	again  backoff
	turn   chan struct{} // holds a value while the tokens are refreshed; taken before mu

	mu     sync.Mutex // guards tokens
	tokens Tokens
}

// New makes a client of the server at a URL such as http://127.0.0.1:8080. With a
// nil HTTP client it makes one of its own.
func New(baseURL string, h *http.Client) *Client {
	if h == nil {
		h = &http.Client{Timeout: time.Minute}
	}
	return &Client{
		base: strings.TrimSuffix(baseURL, "/"), http: h, device: rand.Text(),
		again: backoff{first: 50 * time.Millisecond, most: 2 * time.Second}, turn: make(chan struct{}, 1),
	}
}

// Option changes one call.
type Option func(*call)

// WithKey sets the Idempotency-Key. Without it each call that may change something
// gets a random one, the same for its repeats.
func WithKey(key string) Option { return func(c *call) { c.key = key } }

// IfMatch has the call refused unless the document is at the revision of an ETag.
func IfMatch(etag string) Option { return func(c *call) { c.match = etag } }

// Answer is what an answer says beside its body.
type Answer struct {
	Status   int
	ETag     string
	Replayed bool // the server gave a kept answer again
}

// call is one call, as often as it is sent.
type call struct {
	method, path string
	body         []byte
	key, match   string
	anonymous    bool // send no token
}

// Do makes a call with a JSON body and reads the JSON answer into out; both may be
// nil, and an out of type *[]byte gets the bytes as they are. A call whose answer
// was lost is sent again with the same key, a bounded number of times. An answer
// that is no success is a [*Problem].
func (c *Client) Do(ctx context.Context, method, path string, in, out any, options ...Option) (Answer, error) {
	r := call{method: method, path: path}
	if method != http.MethodGet {
		r.key = rand.Text()
	}
	if in != nil {
		var err error
		if r.body, err = json.Marshal(in); err != nil {
			return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	for _, o := range options {
		o(&r)
	}
	return c.do(ctx, r, out)
}

func (c *Client) do(ctx context.Context, r call, out any) (Answer, error) {
	a, body, err := c.sent(ctx, r)
	if err != nil {
		return a, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	switch to := out.(type) {
	case nil:
	case *[]byte:
		*to = body
	default:
		if err := json.Unmarshal(body, out); err != nil {
			return a, fmt.Errorf("%s %s: the answer: %w", r.method, r.path, err)
		}
	}
	return a, nil
}

// sent sends a call until there is an answer that counts.
func (c *Client) sent(ctx context.Context, r call) (Answer, []byte, error) {
	for try, refreshed := 0, false; ; {
		token := ""
		if !r.anonymous {
			token = c.Tokens().AccessToken
		}
		a, body, err := c.once(ctx, r, token)
		var p *Problem
		switch {
		case err == nil, ctx.Err() != nil:
			return a, body, err
		case errors.As(err, &p) && p.Status == http.StatusUnauthorized && token != "" && !refreshed:
			if err := c.refresh(ctx, token); err != nil {
				return a, nil, err
			}
			refreshed = true
			continue
		case p != nil && !p.passing():
			return a, nil, err
		}
		if try++; try == attempts {
			return a, nil, err
		}
		if err := c.again.pause(ctx, try); err != nil {
			return a, nil, err
		}
	}
}

// once sends a call once.
func (c *Client) once(ctx context.Context, r call, token string) (Answer, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return Answer{}, nil, err
	}
	for name, value := range map[string]string{"Idempotency-Key": r.key, "If-Match": r.match} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Answer{}, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read; nothing is lost
	a := Answer{Status: res.StatusCode, ETag: res.Header.Get("ETag"), Replayed: res.Header.Get("Idempotency-Replayed") == "true"}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return a, nil, err
	}
	if a.Status < 200 || a.Status > 299 {
		return a, nil, problemOf(res, body)
	}
	return a, body, nil
}

// Get reads what is at a path.
func Get[T any](ctx context.Context, c *Client, path string, options ...Option) (T, error) {
	return ask[T](ctx, c, http.MethodGet, path, nil, options)
}

// Post does something, and reads the answer.
func Post[T any](ctx context.Context, c *Client, path string, in any, options ...Option) (T, error) {
	return ask[T](ctx, c, http.MethodPost, path, in, options)
}

// Put sets what is at a path, and reads the answer.
func Put[T any](ctx context.Context, c *Client, path string, in any, options ...Option) (T, error) {
	return ask[T](ctx, c, http.MethodPut, path, in, options)
}

func ask[T any](ctx context.Context, c *Client, method, path string, in any, options []Option) (T, error) {
	var out T
	_, err := c.Do(ctx, method, path, in, &out, options...)
	return out, err
}
