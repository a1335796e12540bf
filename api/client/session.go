package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

// Tokens are what a client holds of its session.
type Tokens struct {
	Person         string    `json:"person"`
	AccessToken    string    `json:"access_token"`
	AccessExpires  time.Time `json:"access_expires"`
	RefreshToken   string    `json:"refresh_token"`
	RefreshExpires time.Time `json:"refresh_expires"`
}

// Codes gives the digits of a code that was sent to a phone, by the id that the
// server gave it: whoever holds the phone types them.
type Codes func(ctx context.Context, id string) (digits string, err error)

// codeSent is the answer to asking for a code.
type codeSent struct {
	Code string `json:"code"`
}

// Tokens gives the session's tokens as they are now; the zero value before signing
// in.
func (c *Client) Tokens() Tokens {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens
}

// Person gives the id of who is signed in; empty for nobody.
func (c *Client) Person() string { return c.Tokens().Person }

func (c *Client) set(t Tokens) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = t
}

// SignIn has a code sent to a phone and signs in with it.
func (c *Client) SignIn(ctx context.Context, phone string, codes Codes) error {
	var sent codeSent
	if err := c.anonymously(ctx, "/v1/sign-in/codes", map[string]string{"phone": phone}, &sent); err != nil {
		return err
	}
	digits, err := codes(ctx, sent.Code)
	if err != nil {
		return err
	}
	var t Tokens
	if err := c.anonymously(ctx, "/v1/sign-in", map[string]string{"phone": phone, "code": digits, "device": c.device}, &t); err != nil {
		return err
	}
	c.set(t)
	return nil
}

// SignOut ends the session, on the server too.
func (c *Client) SignOut(ctx context.Context) error {
	_, err := c.Do(ctx, http.MethodPost, "/v1/sign-out", nil, nil)
	if err == nil {
		c.set(Tokens{})
	}
	return err
}

// refresh gets new tokens in place of those of an access token that is over. Of
// several callers one asks; the others find its answer.
func (c *Client) refresh(ctx context.Context, over string) error {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.turn }()
	old := c.Tokens()
	if old.AccessToken != over {
		return nil
	}
	var t Tokens
	if err := c.anonymously(ctx, "/v1/token", map[string]string{"refresh_token": old.RefreshToken, "device": c.device}, &t); err != nil {
		return err
	}
	c.set(t)
	return nil
}

// anonymously posts without a token.
func (c *Client) anonymously(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: path, body: body, key: rand.Text(), anonymous: true}, out)
	return err
}
