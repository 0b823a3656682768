@testable import TernWire
import Testing
