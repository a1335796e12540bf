// Package fault is the one error type of the house: a code that programs act
// on, a message and a fix that people read, the field they are about, and the
// cause, which only the log sees. It knows nothing of HTTP: the api room alone
// turns a code into a status.
//
// A message never holds personal data: no name, phone or identity number.
package fault

import (
	"errors"
	"fmt"
)

// Code is what went wrong, for programs. The set is closed.
type Code string

// The codes. Each comment says when a room answers with it.
const (
	Invalid         Code = "invalid"         // a field is missing, malformed or out of range
	Unauthenticated Code = "unauthenticated" // the caller did not prove who they are
	Forbidden       Code = "forbidden"       // the caller is known and may not do this
	NotFound        Code = "not_found"       // nothing there, or nothing that the caller may know of
	Conflict        Code = "conflict"        // the state of things does not allow the act
	Stale           Code = "stale"           // the caller acted on a revision that is not the newest
	Reused          Code = "reused"          // an idempotency key or command id came with another body
	Gone            Code = "gone"            // a deadline has passed, or the thing was deleted
	TooMany         Code = "too_many"        // a limit on rate or number was reached
	TooLarge        Code = "too_large"       // the body or the frame is larger than allowed
	Unknown         Code = "unknown_outcome" // the write may or may not have happened: repeat it with the same key
	Unavailable     Code = "unavailable"     // a part that is needed does not answer now
	Internal        Code = "internal"        // a defect of ours; the text stays in the log
)

// Error is a refusal or a failure. Message and Fix are public.
type Error struct {
	Code    Code
	Field   string // path of the input field, such as "pay.amount_fen"; empty where none is to blame
	Message string // what is wrong, in a sentence without personal data
	Fix     string // what the reader can do about it; may be empty
	Err     error  // the cause, for the log only; may be nil
}

// Error gives the code, the field and the message, and the cause for the log.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Field != "" {
		s += " " + e.Field
	}
	s += ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error without a field.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Field makes an [Invalid] error about one input field, with its fix.
func Field(field, message, fix string) *Error {
	return &Error{Code: Invalid, Field: field, Message: message, Fix: fix}
}

// WithFix returns a copy that says what to do.
func (e *Error) WithFix(fix string) *Error {
	c := *e
	c.Fix = fix
	return &c
}

// Wrap returns a copy with a cause.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// CodeOf gives the code of the first fault in err's tree, and [Internal] for
// any other error.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Is reports whether the first fault in err's tree has the code.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// All gives every fault in err's tree, in order, through errors.Join too; nil
// if any part of the tree is no fault (then the whole is [Internal]).
func All(err error) []*Error {
	switch e := err.(type) { //nolint:errorlint // the tree itself is walked here
	case nil:
		return nil
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var out []*Error
		for _, sub := range e.Unwrap() {
			faults := All(sub)
			if faults == nil {
				return nil
			}
			out = append(out, faults...)
		}
		return out
	case interface{ Unwrap() error }:
		return All(e.Unwrap())
	}
	return nil
}
