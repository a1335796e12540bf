package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// answer is what was answered to an idempotency key. What a repeat does anew is
// harmless in any case: the rooms' commands are remembered by the documents. The
// answer is kept so that the repeat's is the same to the byte.
type answer struct {
	Sum     string       `json:"sum"` // SHA-256 of method, path and body
	Status  int          `json:"status"`
	Type    string       `json:"type"`
	ETag    string       `json:"etag,omitempty"`
	Body    vault.Sealed `json:"body"`
	Expires time.Time    `json:"expires"`
}

func answerSpec() store.Spec[answer] {
	return store.Spec[answer]{
		Name: "answers", Unaudited: "a copy of an answer; what it answered has a trail",
		Indexes: []store.Index[answer]{{Name: "expires", Version: 1, Keys: func(_ string, a *answer) []store.Key {
			return []store.Key{store.K(a.Expires)}
		}}},
	}
}

// answerField is the vault's name for a kept answer.
const answerField = "api.answer"

// remembered answers a repeated key as it was answered before, and keeps the new
// answers of routes that make something.
func (s *Server) remembered(c *fiber.Ctx) error {
	v := visitorOf(c.UserContext())
	if v.key == "" || !v.signedIn || c.Method() != http.MethodPost {
		return c.Next()
	}
	ctx := c.UserContext()
	id := store.DeriveID("k", v.principal.Person, v.key)
	known, err := s.answers.Get(ctx, id)
	if err == nil && s.cfg.Now().Before(known.Doc.Expires) {
		return s.repeat(c, v, known.Doc)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := c.Next(); err != nil {
		return err
	}
	if code := c.Response().StatusCode(); !v.makes || code < 200 || code > 299 {
		return nil
	}
	return s.keep(c, v, id)
}

// repeat gives a kept answer again.
func (s *Server) repeat(c *fiber.Ctx, v *visitor, a answer) error {
	if a.Sum != v.sum {
		return store.ErrReused
	}
	body, err := s.cfg.Vault.Open(c.UserContext(), v.principal.Person, answerField, a.Body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, a.Type)
	if a.ETag != "" {
		c.Set(fiber.HeaderETag, a.ETag)
	}
	c.Set("Idempotency-Replayed", "true")
	return c.Status(a.Status).SendString(body)
}

// keep remembers the answer that is about to be sent. Where that fails the act
// has happened all the same, and a repeat finds it.
func (s *Server) keep(c *fiber.Ctx, v *visitor, id string) error {
	ctx := c.UserContext()
	body, err := s.cfg.Vault.Seal(ctx, v.principal.Person, answerField, string(c.Response().Body()))
	if err != nil {
		s.log.WarnContext(ctx, "an answer was not kept", "error", err)
		return nil
	}
	now := s.cfg.Now()
	cmd := store.Command{ID: "keep/" + id + "/" + now.UTC().Format(time.RFC3339Nano), Actor: v.principal.Person, From: v.principal.Session, At: now}
	_, err = s.answers.Put(ctx, id, cmd, func(a *answer) ([]store.Entry, error) {
		*a = answer{
			Sum: v.sum, Status: c.Response().StatusCode(), Type: string(c.Response().Header.ContentType()),
			ETag: string(c.Response().Header.Peek(fiber.HeaderETag)), Body: body, Expires: now.Add(s.cfg.Keep).UTC(),
		}
		return nil, nil
	})
	if err != nil && !fault.Is(err, fault.Reused) {
		s.log.WarnContext(ctx, "an answer was not kept", "error", err)
	}
	return nil
}

// Sweep forgets answers that were kept long enough, a bounded number at a time.
func (s *Server) Sweep(ctx context.Context, now time.Time) (int, error) {
	page, err := s.answers.Find(ctx, store.Range{Index: "expires", To: store.K(now), Limit: 500})
	if err != nil {
		return 0, err
	}
	for i, it := range page.Items {
		cmd := store.Command{ID: "sweep/" + it.ID, Actor: "system:sweeper", At: now}
		if err := s.answers.Delete(ctx, it.ID, cmd, func(*answer) ([]store.Entry, error) { return nil, nil }); err != nil {
			return i, err
		}
	}
	return len(page.Items), nil
}
