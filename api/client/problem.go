package client

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"hezuo/fault"
)

// Problem is an answer that refuses, or fails.
type Problem struct {
	Status     int // of the HTTP answer; 0 for one on a socket
	Code       fault.Code
	Detail     string           // what is wrong
	Fix        string           // what to do about it
	Errors     map[string]Wrong // each field that is wrong
	RetryAfter time.Duration    // when to try again, if the server said
}

// Wrong says what is wrong with a field.
type Wrong struct{ Message, Fix string }

// Error implements error.
func (p *Problem) Error() string {
	s := fmt.Sprintf("%s: %s", p.Code, p.Detail)
	if p.Status != 0 {
		s = strconv.Itoa(p.Status) + " " + s
	}
	return s
}

// passing reports whether the same call may well succeed in a moment.
func (p *Problem) passing() bool {
	switch p.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return p.Code == fault.Unknown || p.Code == fault.Unavailable
}

// problemOf reads a refusal. What is no problem document, as a proxy may send,
// keeps its status.
func problemOf(res *http.Response, body []byte) *Problem {
	var doc struct {
		Code   fault.Code `json:"code"`
		Detail string     `json:"detail"`
		Fix    string     `json:"fix"`
		Errors []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
			Fix     string `json:"fix"`
		} `json:"errors"`
	}
	p := &Problem{Status: res.StatusCode, Detail: http.StatusText(res.StatusCode)}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	if json.Unmarshal(body, &doc) != nil || doc.Code == "" {
		return p
	}
	p.Code, p.Detail, p.Fix = doc.Code, doc.Detail, doc.Fix
	for _, e := range doc.Errors {
		if p.Errors == nil {
			p.Errors = map[string]Wrong{}
		}
		p.Errors[e.Field] = Wrong{e.Message, e.Fix}
	}
	return p
}

// backoff is how long to wait between attempts.
type backoff struct{ first, most time.Duration }

// pause waits before an attempt, from 1 on: longer each time, at a random moment,
// so that many who were cut off together do not come back together.
func (b backoff) pause(ctx context.Context, try int) error {
	limit := min(b.most, b.first<<min(try-1, 20))
	t := time.NewTimer(limit/2 + rand.N(limit/2+1)) //nolint:gosec // spreading attempts needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
