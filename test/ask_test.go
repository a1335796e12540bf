package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"hezuo/api"
)

// request is one HTTP request as it stands: for tables of statuses and for what
// no client would send. Stories are told with api/client.
type request struct {
	method, path string
	token        string // for Authorization: Bearer
	body         any    // []byte goes as it is, anything else as JSON; nil sends none
	header       http.Header
	keyless      bool // send no Idempotency-Key; else a random one, unless header has one
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request. It fails the test where there is no answer, or where a
// refusal is no problem document.
func (s *server) ask(r request) answer {
	s.t.Helper()
	a, err := s.tryAsk(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	if a.status >= 400 {
		a.problem(s.t)
	}
	return a
}

func (s *server) tryAsk(r request) (answer, error) {
	body, err := r.bytes()
	if err != nil {
		return answer{}, err
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method, s.url+r.path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.method != http.MethodGet && !r.keyless {
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	res, err := web.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	a := answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

func (r request) bytes() ([]byte, error) {
	switch b := r.body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return b, nil
	}
	return json.Marshal(r.body)
}

// problem reads a refusal strictly: every one is a problem document that says
// what is wrong and, of each field, what to send instead.
func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		t.Errorf("an answer %d is no problem document: %v\n%s", a.status, err, a.body)
		return p
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a problem's content type is %q", got)
	}
	if p.Status != a.status || p.Title != http.StatusText(a.status) || p.Code == "" || p.Detail == "" || p.Type != "about:blank" {
		t.Errorf("a problem that does not say what is wrong: %d %s", a.status, a.body)
	}
	for _, e := range p.Errors {
		if e.Field == "" || e.Message == "" || e.Fix == "" {
			t.Errorf("a field without a name, a message or a fix: %s", a.body)
		}
	}
	return p
}

// field tells whether a problem names a field.
func names(p api.Problem, field string) bool {
	for _, e := range p.Errors {
		if e.Field == field {
			return true
		}
	}
	return false
}

// read decodes an answer.
func read[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if a.status < 200 || a.status > 299 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return v
}

// web is the way of all requests to all servers.
var web = &http.Client{Timeout: patience, Transport: wire}

var wire = &recorder{next: http.DefaultTransport}

// recorder keeps what servers refused, for whoever looks for personal data in it,
// and counts what they did not answer.
type recorder struct {
	next http.RoundTripper

	mu       sync.Mutex
	problems [][]byte
	cut      int // requests that got no answer
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err != nil {
		r.mu.Lock()
		r.cut++
		r.mu.Unlock()
	}
	if err != nil || !strings.Contains(res.Header.Get("Content-Type"), "problem") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close() // it was read
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	r.problems = append(r.problems, body)
	r.mu.Unlock()
	return res, err
}

// unanswered counts the requests that got no answer so far.
func (r *recorder) unanswered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// refused gives all problems so far.
func (r *recorder) refused() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problems[:len(r.problems):len(r.problems)]
}
