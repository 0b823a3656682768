@testable import TernCore
import Testing
