using Matih.Host.Commands;
using Matih.Host.Output;

Console.SetError(ErrorStream.OpenWriter());
return await MatihCommand.RunAsync(args);
