package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hezuo/fault"
	"hezuo/identity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newClient makes a client, in a hurry, of a server that a test plays.
func newClient(t *testing.T, serve http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(serve)
	c := New(s.URL+"/", &http.Client{Transport: &http.Transport{}})
	c.again = backoff{time.Millisecond, 5 * time.Millisecond}
	t.Cleanup(func() {
		c.http.CloseIdleConnections()
		s.Close()
	})
	return c
}

// briefly is the time that any test has.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func write(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code fault.Code) {
	write(w, status, map[string]any{"status": status, "code": code, "detail": "no", "fix": "do not"})
}

// TestRepeats loses the first answer and fails the second time: the same call comes
// a third time, with the same key.
func TestRepeats(t *testing.T) {
	var keys, bodies []string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		keys, bodies = append(keys, r.Header.Get("Idempotency-Key")), append(bodies, string(body))
		switch len(keys) {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			refuse(w, http.StatusServiceUnavailable, fault.Unknown)
		default:
			w.Header().Set("ETag", `"7"`)
			write(w, http.StatusCreated, map[string]int{"n": 5})
		}
	})
	var out struct{ N int }
	a, err := c.Do(briefly(t), http.MethodPost, "/v1/things", map[string]string{"a": "b"}, &out)
	if err != nil || out.N != 5 || a.ETag != `"7"` || a.Status != http.StatusCreated {
		t.Fatalf("%+v %+v %v", a, out, err)
	}
	if len(slices.Compact(keys)) != 1 || len(keys[0]) < 8 || len(slices.Compact(bodies)) != 1 || bodies[0] != `{"a":"b"}` {
		t.Errorf("keys %q, bodies %q", keys, bodies)
	}
}

func TestRepeatsAreBounded(t *testing.T) {
	var calls atomic.Int64
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		refuse(w, http.StatusServiceUnavailable, fault.Unavailable)
	})
	_, err := Get[struct{}](briefly(t), c, "/v1/things")
	var p *Problem
	if !errors.As(err, &p) || p.Code != fault.Unavailable || calls.Load() != attempts {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
}

func TestRefusal(t *testing.T) {
	var calls int
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.Header.Get("If-Match") != `"3"` || r.Header.Get("Idempotency-Key") != "my-own-key" {
			t.Errorf("headers: %v", r.Header)
		}
		w.Header().Set("Retry-After", "4")
		write(w, http.StatusUnprocessableEntity, map[string]any{
			"code": "invalid", "detail": "two fields", "fix": "mend them",
			"errors": []map[string]string{{"field": "pay.unit", "message": "none", "fix": "day"}},
		})
	})
	_, err := Put[struct{}](briefly(t), c, "/v1/things/1", nil, WithKey("my-own-key"), IfMatch(`"3"`))
	var p *Problem
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	if calls != 1 || p.Status != 422 || p.Code != fault.Invalid || p.Fix != "mend them" || p.RetryAfter != 4*time.Second || p.Errors["pay.unit"] != (Wrong{"none", "day"}) {
		t.Errorf("%d calls, %+v", calls, p)
	}
	if got := p.Error(); got != "422 invalid: two fields" {
		t.Error(got)
	}
}

// TestRefresh has many calls find the access token over at once: one of them
// refreshes it, and all succeed.
func TestRefresh(t *testing.T) {
	var refreshed atomic.Int64
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/token":
			var in struct {
				RefreshToken string `json:"refresh_token"`
				Device       string `json:"device"`
			}
			_ = json.NewDecoder(r.Body).Decode(&in)
			if in.RefreshToken != "r1" || in.Device == "" || r.Header.Get("Authorization") != "" {
				t.Errorf("refresh with %+v", in)
			}
			refreshed.Add(1)
			write(w, http.StatusOK, Tokens{Person: "p", AccessToken: "a2", RefreshToken: "r2"})
		case r.Header.Get("Authorization") != "Bearer a2":
			refuse(w, http.StatusUnauthorized, fault.Unauthenticated)
		default:
			write(w, http.StatusOK, map[string]bool{"ok": true})
		}
	})
	c.set(Tokens{Person: "p", AccessToken: "a1", RefreshToken: "r1"})
	ctx := briefly(t)
	var g sync.WaitGroup
	for range 16 {
		g.Go(func() {
			if _, err := Get[struct{}](ctx, c, "/v1/things"); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	if refreshed.Load() != 1 || c.Tokens().RefreshToken != "r2" {
		t.Errorf("refreshed %d times, now %+v", refreshed.Load(), c.Tokens())
	}
}

// TestSessionOver does not ask for ever when the refresh token is refused too.
func TestSessionOver(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusUnauthorized, fault.Unauthenticated)
	})
	c.set(Tokens{AccessToken: "a1", RefreshToken: "r1"})
	_, err := Get[struct{}](briefly(t), c, "/v1/things")
	var p *Problem
	if !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		t.Error(err)
	}
}

func TestSignIn(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/v1/sign-in/codes":
			write(w, http.StatusAccepted, map[string]string{"code": "c1"})
		case "/v1/sign-in":
			if !strings.Contains(string(body), `"code":"123456"`) {
				t.Errorf("signed in with %s", body)
			}
			write(w, http.StatusOK, Tokens{Person: "p1", AccessToken: "a", RefreshToken: "r"})
		case "/v1/sign-out":
			w.WriteHeader(http.StatusNoContent)
		}
	})
	ctx := briefly(t)
	err := c.SignIn(ctx, "19900000001", func(_ context.Context, id string) (string, error) {
		return map[string]string{"c1": "123456"}[id], nil
	})
	if err != nil || c.Person() != "p1" {
		t.Fatal(c.Person(), err)
	}
	if err := c.SignOut(ctx); err != nil || c.Person() != "" {
		t.Error(c.Person(), err)
	}
}

// TestDevice registers a key and signs with it as the house verifies.
func TestDevice(t *testing.T) {
	d, err := NewDevice()
	if err != nil {
		t.Fatal(err)
	}
	contract := []byte(`{"agreed":"this"}`)
	var key identity.PublicJWK
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Key                  json.RawMessage
			Digits, Possession   string
			Protected, Signature string
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		switch r.URL.Path {
		case "/v1/me/codes":
			write(w, http.StatusAccepted, map[string]string{"code": "c9"})
		case "/v1/me/device-keys":
			parsed, thumbprint, err := identity.ParseDeviceKey(in.Key)
			if err != nil || thumbprint != d.Thumbprint() || in.Digits != "000111" {
				t.Errorf("%s, digits %s: %v", thumbprint, in.Digits, err)
			}
			key = parsed
			verify(t, key, identity.Challenge("p1", thumbprint, "c9"), in.Possession)
			write(w, http.StatusCreated, identity.Binding{Thumbprint: thumbprint})
		case "/v1/handshakes/h1/signing":
			write(w, http.StatusOK, map[string]any{"payload": b64(contract), "headers": []map[string]string{
				{"kid": "another", "protected": "{}"}, {"kid": d.Thumbprint(), "protected": `{"alg":"ES256"}`},
			}})
		case "/v1/handshakes/h1/signature":
			if header, _ := base64.RawURLEncoding.DecodeString(in.Protected); string(header) != `{"alg":"ES256"}` {
				t.Errorf("protected is %s", header)
			}
			verify(t, key, []byte(in.Protected+"."+b64(contract)), in.Signature)
			write(w, http.StatusOK, map[string]string{})
		}
	})
	c.set(Tokens{Person: "p1", AccessToken: "a"})
	ctx := briefly(t)
	if b, err := d.Register(ctx, c, "phone", func(context.Context, string) (string, error) { return "000111", nil }); err != nil || b.Thumbprint != d.Thumbprint() {
		t.Fatal(b, err)
	}
	var read string
	if err := d.SignHandshake(ctx, c, "h1", func(b []byte) error { read = string(b); return nil }); err != nil || read != string(contract) {
		t.Error(read, err)
	}
	no := errors.New("not what we agreed")
	if err := d.SignHandshake(ctx, c, "h1", func([]byte) error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
}

func verify(t *testing.T, key identity.PublicJWK, data []byte, signature string) {
	t.Helper()
	public, err := key.ECDSA()
	if err == nil {
		err = identity.VerifyES256(public, data, signature)
	}
	if err != nil {
		t.Error(err)
	}
}
