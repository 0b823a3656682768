@testable import TernBytes
import Testing
