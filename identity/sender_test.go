package identity

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hezuo/fault"
)

var message = Message{ID: "cmessage", Phone: phoneA, Purpose: PurposeSignIn, Code: "012345", ValidFor: CodeFor}

func TestConsoleSender(t *testing.T) {
	var b strings.Builder
	if err := ConsoleSender(&b).Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if want := "code for 138****8000 (sign-in, 5 min): 012345\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
}

func TestHTTPSender(t *testing.T) {
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("Idempotency-Key"))
		if len(ids) == 1 {
			http.Error(rw, "busy", http.StatusServiceUnavailable)
			return
		}
		var got map[string]any
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &got) != nil {
			t.Errorf("body %q, %v", body, err)
		}
		if got["id"] != message.ID || got["phone"] != phoneA || got["code"] != "012345" || got["purpose"] != "sign-in" || got["minutes"] != 5.0 {
			t.Errorf("got %v", got)
		}
		if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s, %v", r.Method, r.Header)
		}
		rw.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	h, err := NewHTTPSender(HTTPSenderConfig{URL: server.URL, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[0] != message.ID || ids[1] != message.ID {
		t.Errorf("ids %v", ids)
	}
}

func TestHTTPSenderFails(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer elsewhere.Close()
	for name, tt := range map[string]struct {
		handler  http.HandlerFunc // nil: nobody listens
		requests int64
	}{
		"nobody listens": {nil, 0},
		"refused": {func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			http.Error(rw, "refused: "+string(body), http.StatusBadRequest) // it echoes the phone
		}, 1},
		"broken": {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }, 2},
		"redirect": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, 1},
		"cut":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 2},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			url := gone.URL
			if tt.handler != nil {
				server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					tt.handler(rw, r)
				}))
				defer server.Close()
				url = server.URL
			}
			timeout := time.Minute
			if name == "slow" {
				timeout = 50 * time.Millisecond
			}
			h, err := NewHTTPSender(HTTPSenderConfig{URL: url + "/?key=hidden", Token: "secret", Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			err = h.Send(t.Context(), message)
			if err == nil {
				t.Fatal("sent")
			}
			for _, private := range []string{phoneA, "012345", "hidden", "secret"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("%q tells %s", err, private)
				}
			}
			if name == "slow" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if n := requests.Load(); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestHTTPSenderConfig(t *testing.T) {
	for _, bad := range []string{"", "gateway", "ftp://gateway", "http://", "https://a b/?key=hidden"} {
		if _, err := NewHTTPSender(HTTPSenderConfig{URL: bad}); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
