package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"hezuo/fault"
)

// HTTPSenderConfig says which gateway sends the messages. URL is required.
type HTTPSenderConfig struct {
	URL     string
	Token   string        // bearer token; empty: none is sent
	Timeout time.Duration // of one message, with its repeat; 0: 10 s
	// Transport makes the requests; nil: [http.DefaultTransport].
	Transport http.RoundTripper
}

// HTTPSender posts each message as JSON to a gateway:
//
//	{"id": "c…", "phone": "138…", "purpose": "sign-in", "code": "…", "minutes": 5}
//
// with the id as Idempotency-Key too, for a message whose answer was lost is
// posted a second time and must go out once. Any 2xx means accepted. Redirects
// are not followed: the token is for the gateway alone.
type HTTPSender struct {
	url, token string
	timeout    time.Duration
	client     *http.Client
}

var _ Sender = (*HTTPSender)(nil)

// NewHTTPSender checks the URL; it does not call it.
func NewHTTPSender(cfg HTTPSenderConfig) (*HTTPSender, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		// Not err: the URL may hold a secret.
		return nil, fault.Field("sms.url", "it is no http or https URL", "give the gateway's whole URL")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	return &HTTPSender{url: cfg.URL, token: cfg.Token, timeout: cfg.Timeout, client: &http.Client{
		Transport:     cfg.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// sendTries is how often a message is posted before it counts as not sent.
const sendTries = 2

// Send posts the message. Errors hold nothing of it, of the URL or of the
// gateway's answer but its status.
func (h *HTTPSender) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(map[string]any{
		"id": m.ID, "phone": m.Phone, "purpose": m.Purpose, "code": m.Code, "minutes": int(m.ValidFor.Minutes()),
	})
	if err != nil {
		return errors.New("the message cannot be written")
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	for range sendTries {
		var again bool
		again, err = h.post(ctx, m.ID, body)
		if !again || ctx.Err() != nil {
			break
		}
	}
	return err
}

// post makes one request and tells whether another may do better.
func (h *HTTPSender) post(ctx context.Context, id string, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the gateway's URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", id)
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	res, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return true, fmt.Errorf("the gateway cannot be reached: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<16) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return res.StatusCode >= 500, fmt.Errorf("the gateway answered with status %d", res.StatusCode)
	}
	return false, nil
}
