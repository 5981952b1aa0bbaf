package soapcheck

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// field is one element of a type's sequence.
type field struct {
	name     string
	kind     reflect.Type
	repeats  bool
	required bool
}

// fieldCache remembers the sequences that reflection found.
var fieldCache sync.Map

// fields returns the sequence of a type. govmomi keeps the schema's order: base types are embedded first.
func fields(kind reflect.Type) []field {
	if cached, ok := fieldCache.Load(kind); ok {
		return cached.([]field)
	}
	var sequence []field
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Anonymous {
			sequence = append(sequence, fields(f.Type)...)
			continue
		}
		if one, ok := newField(f); ok {
			sequence = append(sequence, one)
		}
	}
	fieldCache.Store(kind, sequence)
	return sequence
}

func newField(f reflect.StructField) (field, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
	if name == "" || name == "-" || strings.Contains(options, "attr") && !strings.Contains(options, "typeattr") {
		return field{}, false
	}
	out := field{name: name, kind: f.Type}
	// govmomi gives some optional elements a pointer instead of omitempty.
	out.required = !strings.Contains(options, "omitempty") && f.Type.Kind() != reflect.Pointer
	if f.Type.Kind() == reflect.Slice && !isLeaf(f.Type) {
		out.repeats, out.kind = true, f.Type.Elem()
	}
	return out, true
}

func find(sequence []field, from int, name string) int {
	for i := from; i < len(sequence); i++ {
		if sequence[i].name == name {
			return i
		}
	}
	return -1
}

func names(sequence []field) string {
	list := make([]string, len(sequence))
	for i, f := range sequence {
		list[i] = f.name
	}
	return strings.Join(list, ", ")
}

// isLeaf says whether values of a type are text and not elements.
func isLeaf(kind reflect.Type) bool {
	if kind == reflect.TypeFor[time.Time]() {
		return true
	}
	if kind.Kind() == reflect.Slice {
		return kind.Elem().Kind() == reflect.Uint8
	}
	return kind.Kind() != reflect.Struct && kind.Kind() != reflect.Interface
}

// enum is what govmomi's enumerations implement.
type enum interface{ Strings() []string }

// checkLeaf checks the text of an element against its Go type.
func checkLeaf(n *node, kind reflect.Type, path string) error {
	if len(n.children) > 0 {
		return fmt.Errorf("%s: element %q where a value is expected", path, n.children[0].name.Local)
	}
	text := strings.TrimSpace(n.text)
	if e, ok := reflect.Zero(kind).Interface().(enum); ok {
		if !slices.Contains(e.Strings(), text) {
			return fmt.Errorf("%s: %q is not a %s", path, text, kind.Name())
		}
		return nil
	}
	if !readable(kind, text) {
		return fmt.Errorf("%s: %q is not a %s", path, text, kind)
	}
	return nil
}

func readable(kind reflect.Type, text string) bool {
	var err error
	switch {
	case kind == reflect.TypeFor[time.Time]():
		_, err = time.Parse(time.RFC3339Nano, text)
	case kind.Kind() == reflect.Bool:
		return slices.Contains([]string{"true", "false", "1", "0"}, text)
	case kind.Kind() >= reflect.Int && kind.Kind() <= reflect.Int64:
		_, err = strconv.ParseInt(text, 10, kind.Bits())
	case kind.Kind() >= reflect.Uint && kind.Kind() <= reflect.Uint64:
		_, err = strconv.ParseUint(text, 10, kind.Bits())
	case kind.Kind() == reflect.Float32 || kind.Kind() == reflect.Float64:
		_, err = strconv.ParseFloat(text, kind.Bits())
	}
	return err == nil
}

// builtins maps the schema's built-in types to the Go types that read them.
var builtins = map[string]reflect.Type{
	"boolean": reflect.TypeFor[bool](), "byte": reflect.TypeFor[int8](), "short": reflect.TypeFor[int16](),
	"int": reflect.TypeFor[int32](), "long": reflect.TypeFor[int64](), "float": reflect.TypeFor[float32](),
	"double": reflect.TypeFor[float64](), "dateTime": reflect.TypeFor[time.Time](),
	"string": reflect.TypeFor[string](), "anyURI": reflect.TypeFor[string](),
}

// checkBuiltin checks a value whose xsi:type is one of XML Schema's own.
func checkBuiltin(n *node, name, path string) error {
	if name == "base64Binary" {
		if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(n.text)); err != nil {
			return fmt.Errorf("%s: not base64: %w", path, err)
		}
		return nil
	}
	kind, ok := builtins[name]
	if !ok {
		return fmt.Errorf("%s: there is no type xsd:%s", path, name)
	}
	return checkLeaf(n, kind, path)
}
