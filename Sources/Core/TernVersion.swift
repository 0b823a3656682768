/// The version of this library, in the one place where it stands.
package enum TernVersion {
  package static let text = "0.1.0"
}
