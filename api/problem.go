package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"hezuo/fault"
)

// Problem is an answer that says what is wrong (RFC 9457), with each field and
// its fix.
type Problem struct {
	Type   string         `json:"type" example:"about:blank" doc:"Always about:blank: code says what it is"`
	Title  string         `json:"title" doc:"The status in words"`
	Status int            `json:"status" doc:"The HTTP status"`
	Code   fault.Code     `json:"code" enum:"invalid,unauthenticated,forbidden,not_found,conflict,stale,reused,gone,too_many,too_large,unknown_outcome,unavailable,internal" doc:"What is wrong, for programs"`
	Detail string         `json:"detail" doc:"What is wrong, in a sentence"`
	Fix    string         `json:"fix,omitempty" doc:"What to do about it"`
	Errors []ProblemField `json:"errors,omitempty" doc:"Each field that is wrong"`
}

// ProblemField is one field that is wrong.
type ProblemField struct {
	Field   string `json:"field" doc:"Path of the field, such as pay.amount_fen"`
	Message string `json:"message" doc:"What is wrong with it"`
	Fix     string `json:"fix" doc:"What to send instead"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements [huma.StatusError].
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements [huma.ContentTypeFilter].
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var _ huma.StatusError = (*Problem)(nil)

// status gives the HTTP status of a code.
func status(c fault.Code) int {
	switch c {
	case fault.Invalid, fault.Reused:
		return http.StatusUnprocessableEntity
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.Gone:
		return http.StatusGone
	case fault.TooMany:
		return http.StatusTooManyRequests
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unknown, fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
	}
	return http.StatusInternalServerError
}

// toProblem turns any error into an answer. What is no fault, and what is our own
// defect, becomes a 500 with no inner text and is logged, once, here.
func toProblem(ctx context.Context, log *slog.Logger, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	faults := fault.All(err)
	if errors.Is(err, context.DeadlineExceeded) && len(faults) == 0 {
		faults = []*fault.Error{fault.New(fault.Unavailable, "it took too long").WithFix("try again with the same Idempotency-Key")}
	}
	if len(faults) == 0 || faults[0].Code == fault.Internal {
		log.ErrorContext(ctx, "a request failed", "error", err)
		return &Problem{
			Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
			Code: fault.Internal, Detail: "something went wrong on our side", Fix: "try again; if it stays, tell the market's operator",
		}
	}
	first := faults[0]
	if status(first.Code) >= http.StatusInternalServerError {
		log.WarnContext(ctx, "a request could not be served", "error", err)
	}
	out := &Problem{
		Type: "about:blank", Title: http.StatusText(status(first.Code)), Status: status(first.Code),
		Code: first.Code, Detail: first.Message, Fix: first.Fix,
	}
	for _, f := range faults {
		if f.Field != "" {
			out.Errors = append(out.Errors, ProblemField{f.Field, f.Message, f.Fix})
		}
	}
	return out
}

// humaErrors makes Huma's own refusals [Problem]s, without the values that it
// would echo: a value may be somebody's phone. The hook is Huma's global, the same
// for every server of a process.
var humaErrors = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(_ huma.Context, code int, message string, errs ...error) huma.StatusError {
		return refused(code, message, errs)
	}
	huma.NewError = func(code int, message string, errs ...error) huma.StatusError {
		return refused(code, message, errs)
	}
})

// refused makes a problem of what Huma found wrong with a request.
func refused(code int, message string, errs []error) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(code), Status: code, Code: codeOf(code), Detail: message}
	for _, err := range errs {
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			continue
		}
		p.Errors = append(p.Errors, fieldOf(d.ErrorDetail()))
	}
	if code == http.StatusRequestEntityTooLarge {
		p.Fix = "send a smaller body"
	}
	if len(p.Errors) > 0 {
		p.Detail, p.Fix = p.Errors[0].Field+": "+p.Errors[0].Message, p.Errors[0].Fix
	}
	if code >= http.StatusInternalServerError {
		p.Detail, p.Errors = "something went wrong on our side", nil
	}
	return p
}

// fieldOf names the field as our own rules name it, and the fix.
func fieldOf(d *huma.ErrorDetail) ProblemField {
	field := strings.TrimPrefix(strings.TrimPrefix(d.Location, "body"), ".")
	for _, where := range []string{"path.", "query.", "header."} {
		field = strings.TrimPrefix(field, where)
	}
	message := d.Message
	fix := "send what the field asks for: see /openapi.json"
	if strings.Contains(message, "json: ") || strings.Contains(message, "invalid character") {
		// The decoder's own words name Go types and quote the value.
		message, fix = "this is no JSON, or a value in it does not fit its field", "send valid JSON with the types and ranges that /openapi.json names"
	}
	if name, ok := strings.CutPrefix(message, "expected required property "); ok {
		name = strings.TrimSuffix(name, " to be present")
		if field != "" {
			field += "."
		}
		return ProblemField{field + name, "this is missing", "send it"}
	}
	if message == "unexpected property" {
		return ProblemField{field, "there is no such field", "leave it out"}
	}
	if rest, ok := strings.CutPrefix(message, "expected "); ok {
		fix = "send " + rest
	}
	if field == "" {
		field = "body"
	}
	return ProblemField{field, message, fix}
}

// codeOf gives the code of a status that Huma or Fiber chose.
func codeOf(code int) fault.Code {
	switch code {
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fault.NotFound
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusTooManyRequests:
		return fault.TooMany
	}
	if code >= http.StatusInternalServerError {
		return fault.Internal
	}
	return fault.Invalid
}
