import Foundation
import NIOCore

extension Channel {
    /// Closes the connection with RST instead of FIN: a linger time of zero drops what is unsent and says so to the peer.
    func resetConnection() async {
        if let options = self as? any SocketOptionProvider {
            try? await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try? await self.close()
    }
}
