// Package soapcheck refuses what a real vCenter would refuse to read but govmomi's simulator accepts: elements that
// are unknown, misspelt, missing or out of the schema's order, values of the wrong type, and property paths that do
// not exist.
package soapcheck

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// XML namespaces of a vSphere request.
const (
	nsEnvelope = "http://schemas.xmlsoap.org/soap/envelope/"
	nsVim      = "urn:vim25"
	nsXSD      = "http://www.w3.org/2001/XMLSchema"
	nsXSI      = "http://www.w3.org/2001/XMLSchema-instance"
)

// node is an element with what checking needs of it.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	children []*node
	text     string
	// prefixes are the namespace prefixes in force, to resolve the values of xsi:type.
	prefixes map[string]string
	// document is what the element belongs to, from and to are where its last text lies in it.
	document *document
	from, to int64
}

// document is a request and what is to be changed of it.
type document struct {
	data  []byte
	edits []edit
}

// edit is a text that stands for what lies between two places of a document.
type edit struct {
	from, to int64
	text     string
}

// rewrite notes another text for an element without elements.
func (n *node) rewrite(text string) {
	n.document.edits = append(n.document.edits, edit{n.from, n.to, text})
}

// edited is the document with its edits, which were noted in its order.
func (d *document) edited() []byte {
	var out []byte
	var at int64
	for _, e := range d.edits {
		out = append(append(out, d.data[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, d.data[at:]...)
}

// parse reads a document into its root element.
func parse(data []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	whole := &document{data: data}
	var stack []*node
	var root *node
	for {
		before := decoder.InputOffset()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the request is not well-formed XML: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			n := newNode(t, stack)
			n.document = whole
			if root == nil {
				root = n
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				n := stack[len(stack)-1]
				n.text, n.from, n.to = n.text+string(t), before, decoder.InputOffset()
			}
		}
	}
	if root == nil {
		return nil, errors.New("the request is empty")
	}
	return root, nil
}

// newNode makes the element and hangs it under the innermost open one.
func newNode(start xml.StartElement, stack []*node) *node {
	n := &node{name: start.Name, attrs: start.Copy().Attr}
	if len(stack) > 0 {
		parent := stack[len(stack)-1]
		parent.children = append(parent.children, n)
		n.prefixes = parent.prefixes
	}
	for _, attr := range start.Attr {
		if attr.Name.Space == "xmlns" {
			n.prefixes = withPrefix(n.prefixes, attr.Name.Local, attr.Value)
		} else if attr.Name.Space == "" && attr.Name.Local == "xmlns" {
			n.prefixes = withPrefix(n.prefixes, "", attr.Value)
		}
	}
	return n
}

func withPrefix(prefixes map[string]string, prefix, space string) map[string]string {
	out := make(map[string]string, len(prefixes)+1)
	for k, v := range prefixes {
		out[k] = v
	}
	out[prefix] = space
	return out
}

// xsiType returns the resolved xsi:type of the element, and whether it has one.
func (n *node) xsiType() (xml.Name, bool) {
	for _, attr := range n.attrs {
		if attr.Name.Space == nsXSI && attr.Name.Local == "type" {
			prefix, local, found := strings.Cut(attr.Value, ":")
			if !found {
				prefix, local = "", attr.Value
			}
			space, declared := n.prefixes[prefix]
			if !declared && prefix == "xsd" {
				space = nsXSD // govmomi never declares it, and vCenter understands
			}
			return xml.Name{Space: space, Local: local}, true
		}
	}
	return xml.Name{}, false
}

// attr returns the value of an attribute without a namespace.
func (n *node) attr(name string) string {
	for _, attr := range n.attrs {
		if attr.Name.Space == "" && attr.Name.Local == name {
			return attr.Value
		}
	}
	return ""
}

// child returns the only child of this name in the SOAP envelope namespace, or nil.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name.Space == nsEnvelope && c.name.Local == name {
			return c
		}
	}
	return nil
}
